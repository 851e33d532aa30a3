package org.heteromem.live.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.policy.PressureHandler;
import org.heteromem.live.Status;
import org.heteromem.live.flight.FlightEvents;
import org.heteromem.live.keeper.Commands;
import org.heteromem.live.keeper.Custody;
import org.heteromem.live.keeper.Item;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.ErrorCode;
import org.jspecify.annotations.Nullable;

/**
 * Serves the memory of other processes of its user: one core {@link MemoryManager}, and for each client a session with an
 * address space, devices and threads of its own.
 *
 * <pre>{@code
 * try (Daemon daemon = new Daemon(options, System.err::println)) {
 *     daemon.run();           // until close(), from any thread
 * }
 * }</pre>
 */
public final class Daemon implements AutoCloseable {
    /** What the name of its keeper's socket has more than that of its own. */
    public static final String KEEPER_SUFFIX = ".keeper";

    /** What it says of each page that is lost, beside other words. */
    public static final String LOST = " LOST a page";

    /** A tenth of the weight of a thread that does not give way (sched(7)). */
    private static final int COMPILER_NICE = 10;

    private static final int BACKLOG = 16;
    /** How many may be connected without having greeted. */
    private static final int MAX_STRANGERS = 32;
    /** How often one process may have opened memory. */
    static final int MAX_OF_PROCESS = 64;

    private static final long REFUSED_NANOS = 50_000_000;
    /** Descriptors that are kept for everything but regions: the JVM's own, connections, devices. */
    private static final int OTHER_FILES = 200;
    /** Its memory, its userfaultfd, its ledger, and one that is on its way. */
    private static final int FILES_OF_A_REGION = 4;

    /** So many clients have left when it is looked for what is left of them. */
    private static final int LEFT_BEHIND = 32;

    private static final String LISTENING = "listening";

    private final DaemonOptions options;
    private final Log log;
    private final int pid = Math.toIntExact(ProcessHandle.current().pid());
    private final int userId = Processes.effectiveUserId();
    private final @Nullable Custody custody;
    private final FailPoints points;
    private final UnixSocket listening;
    private final EventFd bell = EventFd.create();
    private final MemoryManager manager;
    private final Movers movers = new Movers(Runtime.getRuntime().availableProcessors());
    private final Map<Long, ClientSession> sessions = new ConcurrentSkipListMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final RamGrants ram;
    private final DeviceMaker devices;
    /** How many clients have left. */
    private final AtomicLong left = new AtomicLong();

    private final AtomicBoolean closed = new AtomicBoolean();
    /** How often in a row no connection could be accepted. */
    private final AtomicLong refusals = new AtomicLong();

    private final long maxRegions = (Limits.openFiles() - OTHER_FILES) / FILES_OF_A_REGION;
    private volatile @Nullable Thread entrusting;
    private volatile boolean ownerGone;

    /**
     * Makes a daemon that listens already.
     *
     * @param options what it shall do
     * @param out who is told what happens, line by line; called by many threads
     * @throws IllegalStateException if another daemon serves at the socket, or something else is there
     * @throws IllegalArgumentException if the socket's path is too long
     * @throws NativeException if nobody can listen there; says why
     */
    public Daemon(DaemonOptions options, Consumer<String> out) {
        this(options, out, null, FailPoints.NONE);
    }

    /**
     * Makes a daemon whose clients outlive it: finds or starts a keeper beside the socket, and takes over the clients of a
     * predecessor that was killed. The optimizing compiler of this JVM gives way to all other threads from now on.
     *
     * @param options what it shall do. Clients of a predecessor keep the devices that they have; these are for new ones
     * @param out who is told what happens, line by line; called by many threads
     * @return the daemon
     * @throws IllegalStateException if another daemon serves at the socket, or something else is there
     * @throws IllegalArgumentException if the socket's path is too long (its keeper's is 7 bytes longer), or a device is
     *     none, or all of them are more than a keeper can remember
     * @throws NativeException if nobody can listen there; says why
     */
    public static Daemon withKeeper(DaemonOptions options, Consumer<String> out) {
        return withKeeper(options, out, FailPoints.NONE);
    }

    static Daemon withKeeper(DaemonOptions options, Consumer<String> out, FailPoints points) {
        Path keeper = Path.of(options.socket() + KEEPER_SUFFIX);
        UnixSocket.requirePath(keeper);
        ClientCustody.Told.require(options);
        Custody custody = new Custody(keeper, Commands.keeper(keeper, options.owner()), Commands.ofThisProcess(), out);
        try {
            Daemon daemon = new Daemon(options, out, custody, points);
            letCompilerGiveWay(daemon.log);
            return daemon;
        } catch (RuntimeException e) {
            custody.close();
            throw e;
        }
    }

    /**
     * Optimized code is for later; who stands in a fault, or needs room, waits now. C1 is not asked to: until it is done
     * the code is interpreted.
     */
    private static void letCompilerGiveWay(Log log) {
        try {
            Processes.giveWay("C2 Compiler", COMPILER_NICE);
        } catch (IOException | NativeException e) {
            log.line("the JVM's compiler competes with what it compiles: " + e.getMessage());
        }
    }

    private Daemon(DaemonOptions options, Consumer<String> out, @Nullable Custody custody, FailPoints points) {
        this.options = options;
        this.log = new Log(out);
        this.custody = custody;
        this.points =
                custody == null || custody.inherited().isEmpty() || points.inEveryLife() ? points : FailPoints.NONE;
        this.manager = MemoryManager.builder()
                .node(MemoryManager.MIN_NODE_BYTES)
                .events(new FlightEvents(ClientRegions::isRegion))
                .build();
        this.manager.setPressureHandler(new Pressure());
        this.ram = new RamGrants(options, sessions.values());
        this.devices = new DeviceMaker(options, manager);
        List<Item> inherited = custody == null ? List.of() : custody.inherited();
        this.listening = inherited.stream()
                .filter(item -> item.key().equals(LISTENING))
                .findFirst()
                .map(item -> UnixSocket.adopt(item.descriptors().get(0)))
                .orElseGet(() -> listen(options.socket()));
        if (custody != null) {
            inherited.forEach(custody::resume);
            custody.begin();
            takeOver(inherited);
        }
    }

    private static UnixSocket listen(Path socket) {
        try {
            UnixSocket.connect(socket).close();
            throw new IllegalStateException(
                    "another daemon serves at " + socket + "; end it first, or choose another socket (--socket)");
        } catch (NativeException e) {
            if (e.errno() == Errno.ECONNREFUSED) {
                // Somebody was killed here: nobody listens.
                UnixSocket.removeAbandoned(socket);
            }
        }
        return UnixSocket.listen(socket, BACKLOG);
    }

    private void takeOver(List<Item> inherited) {
        Map<Long, List<Item>> byClient = new TreeMap<>();
        for (Item item : inherited) {
            String[] parts = item.key().split("/", 3);
            if (parts[0].equals("client")) {
                byClient.computeIfAbsent(Long.parseLong(parts[1]), number -> new ArrayList<>())
                        .add(item);
            }
        }
        byClient.forEach(this::takeOver);
    }

    private void takeOver(long number, List<Item> items) {
        Item client = items.stream()
                .filter(item -> item.key().equals("client/" + number))
                .findFirst()
                .orElse(null);
        if (client == null) {
            // Nobody can serve it any more, and the others are served on.
            log.line("the keeper has things of client " + number + " without itself: they are given up");
            if (custody != null) {
                custody.drop("client/" + number);
            }
            items.forEach(Item::closeDescriptors);
            return;
        }
        ClientCustody.Told told = ClientCustody.Told.parse(client.payload());
        numbers.accumulateAndGet(number, Math::max);
        ClientSession session = new ClientSession(
                this,
                number,
                new Connection(UnixSocket.adopt(client.descriptors().get(0))),
                PidFd.adopt(client.descriptors().get(1)),
                told.pid(),
                true,
                log);
        sessions.put(number, session);
        ram.resume(number, told.ramBytes());
        startInTheEnd(Thread.ofPlatform().name("control-" + number), () -> {
            if (session.takeOver(told, items)) {
                session.run();
            }
        });
    }

    /** Starts a thread for a client that waits already: nobody else would serve it, so it is tried until there is one. */
    Thread startInTheEnd(Thread.Builder builder, Runnable what) {
        for (int tries = 0; ; tries++) {
            try {
                return builder.start(what);
            } catch (OutOfMemoryError e) {
                if (closed.get()) {
                    throw e;
                }
                if (tries == 0) {
                    log.line("the system has no thread for a client that is taken over; it is tried again: "
                            + e.getMessage());
                }
                LockSupport.parkNanos(REFUSED_NANOS);
            }
        }
    }

    @Nullable
    Custody custody() {
        return custody;
    }

    boolean isClosed() {
        return closed.get();
    }

    FailPoints points() {
        return points;
    }

    /** Who asks the core for a page without being a fault, such as a pin, makes room as a fault does. */
    private final class Pressure implements PressureHandler {
        @Override
        public long relieve(MemoryNode node, long frames) {
            for (ClientSession session : sessions.values()) {
                if (session.has(node)) {
                    return session.makeRoom();
                }
            }
            return 0;
        }

        @Override
        public long relieve(FrameDemand demand, MemoryNode node, long frames) {
            return relieve(node, frames);
        }
    }

    /** {@return what it was told} */
    public DaemonOptions options() {
        return options;
    }

    Movers movers() {
        return movers;
    }

    RamGrants ram() {
        return ram;
    }

    DeviceMaker devices() {
        return devices;
    }

    MemoryManager manager() {
        return manager;
    }

    int pid() {
        return pid;
    }

    /** Serves clients until {@link #close}; with an owner until that has ended, and the last client has left. */
    public void run() {
        log.line("daemon " + pid + " listens at " + options.socket());
        PidFd owner = options.owner() == 0 ? null : PidFd.openIfAlive(options.owner());
        ownerGone = options.owner() != 0 && owner == null;
        if (ownerGone && (options.ending() == DaemonOptions.Ending.WITH_ITS_CLIENT || !hasClients())) {
            return;
        }
        if (custody != null) {
            // Not waited for: a keeper that is only just starting must not keep the first client waiting.
            entrusting = Thread.ofPlatform().name("entrust").daemon().start(() -> entrustListening(custody));
        }
        try {
            Poller poller = new Poller(3);
            int stop = poller.add(bell.fd(), Poller.IN);
            int incoming = poller.add(listening.fd(), Poller.IN);
            int end = owner == null ? -1 : poller.add(owner.fd(), Poller.IN);
            while (!closed.get()) {
                poller.poll(-1);
                if (poller.ready(stop) != 0) {
                    return;
                }
                if (end >= 0 && poller.ready(end) != 0) {
                    ownerGone = true;
                    if (options.ending() == DaemonOptions.Ending.WITH_ITS_CLIENT || !hasClients()) {
                        return;
                    }
                    // Who still has memory is served until it leaves; that is told by the bell.
                    poller.clear();
                    stop = poller.add(bell.fd(), Poller.IN);
                    incoming = poller.add(listening.fd(), Poller.IN);
                    end = -1;
                    continue;
                }
                if (poller.ready(incoming) != 0) {
                    accept();
                }
            }
        } finally {
            if (owner != null) {
                owner.close();
            }
        }
    }

    private void entrustListening(Custody keeper) {
        try {
            keeper.hold(LISTENING, "", listening.fd());
        } catch (IllegalStateException e) {
            if (!closed.get()) {
                throw e;
            }
            // It has ended before its keeper had come.
            log.line(String.valueOf(e.getMessage()));
        }
    }

    private void accept() {
        UnixSocket socket;
        try {
            socket = listening.accept();
            refusals.set(0);
        } catch (NativeException e) {
            // Out of descriptors, or the caller has gone again: the others are served on.
            if (refusals.getAndIncrement() == 0) {
                log.line("could not accept a connection: " + e.getMessage());
            }
            LockSupport.parkNanos(REFUSED_NANOS);
            return;
        }
        Connection connection = new Connection(socket);
        try {
            UnixSocket.Peer peer = socket.peer();
            if (peer.uid() != userId && peer.uid() != 0) {
                log.line("user " + peer.uid() + " is not served, only user " + userId);
                connection.close();
                return;
            }
            List<ClientSession> strangers =
                    sessions().stream().filter(ClientSession::isStranger).toList();
            if (strangers.size() >= MAX_STRANGERS) {
                // Whoever connects and says nothing makes room for who has something to say.
                strangers.getFirst().shutdown();
            }
            PidFd process = socket.peerProcess();
            long number = numbers.incrementAndGet();
            ClientSession session = new ClientSession(this, number, connection, process, peer.pid(), false, log);
            sessions.put(number, session);
            if (closed.get()) {
                // Who closes may have looked at the sessions before.
                session.shutdown();
            }
            try {
                Thread.ofPlatform().name("control-" + number).start(session);
            } catch (OutOfMemoryError e) {
                // The system has no thread for it; the others are served on.
                session.cannotBegin(e);
            }
        } catch (NativeException e) {
            log.line("a client left before it was known: " + e.getMessage());
            connection.close();
        }
    }

    // ---- what sessions ask for ---------------------------------------------------------------------------------

    /** Decides how much RAM a new client gets. */
    long grant(ClientSession session, long asked) {
        requireFew(session);
        return ram.grant(session, asked);
    }

    /** Each connection costs devices, threads and metadata: a program that opens one after the other is told so. */
    private void requireFew(ClientSession session) {
        long same = sessions.values().stream()
                .filter(other -> other != session && other.pid() == session.pid() && other.isClient())
                .count();
        if (same >= MAX_OF_PROCESS) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "process " + session.pid() + " has opened memory " + same
                            + " times already; close what is not needed any more, or share it");
        }
    }

    /** Whether there are descriptors for one more region of a client that has some: nobody gets more than half of them. */
    boolean mayRegister(int have) {
        long all =
                sessions.values().stream().mapToLong(ClientSession::regionCount).sum();
        return have < maxRegions / 2 && all < maxRegions;
    }

    void ended(ClientSession session) {
        boolean client = ram.takeBack(session);
        sessions.remove(session.number());
        boolean last = options.ending() == DaemonOptions.Ending.WITH_ITS_CLIENT
                ? !session.isObserver() && !hasClients()
                : ownerGone && !hasClients();
        if (options.owner() != 0 && last) {
            // The only client of a private daemon, which has no more use for it; or the last one after the owner.
            bell.signal();
        } else if (client && left.incrementAndGet() % LEFT_BEHIND == 0) {
            // What a daemon keeps of a client grows old with it, buffers of native memory among it. The old generation
            // of the heap would be collected when it is full, and it may be a quarter of the machine's memory.
            System.gc();
        }
    }

    /** Whether anybody has memory, or had it with a predecessor; not who only looks. */
    private boolean hasClients() {
        return sessions.values().stream().anyMatch(session -> !session.isStranger());
    }

    /** {@return how this daemon and its clients are doing; may be asked by any thread} */
    public Status status() {
        List<Status.Subject> subjects = new ArrayList<>();
        Map<String, Long> own = new LinkedHashMap<>();
        List<ClientSession> clients =
                sessions().stream().filter(ClientSession::isClient).toList();
        own.put("clients", (long) clients.size());
        own.put("ram.limit", options.ramBytes());
        own.put("ram.granted", ram.granted());
        subjects.add(new Status.Subject(pid, "daemon", own));
        clients.forEach(client -> subjects.add(new Status.Subject(client.pid(), client.name(), client.status())));
        return new Status(subjects);
    }

    /** {@return the sessions, oldest first} */
    List<ClientSession> sessions() {
        return List.copyOf(sessions.values());
    }

    /** Ends all sessions and lets go of everything. Idempotent; may be called by any thread. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            bell.signal();
            if (custody != null) {
                custody.expectNoKeeper();
            }
            sessions().forEach(ClientSession::shutdown);
            sessions().forEach(ClientSession::awaitEnd);
            movers.close();
            // What is on its way to the keeper must not be closed under its sender, who would blame the keeper.
            Thread sender = entrusting;
            if (sender != null) {
                Uninterrupted.finish(sender::join);
            }
            listening.close();
            try {
                Files.deleteIfExists(options.socket());
            } catch (IOException e) {
                log.line("the socket " + options.socket() + " could not be removed: " + e);
            }
            manager.close();
            if (custody != null) {
                custody.drop(LISTENING);
                custody.close();
            }
            log.line("daemon " + pid + " has ended");
        }
    }
}
