package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.live.keeper.Item;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.Launch;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.UnregisterRegion;
import org.heteromem.live.wire.Welcome;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * One client: its connection, and the three threads that serve it.
 *
 * <pre>
 *   control   reads requests from the connection and answers them, one after the other
 *   pump      serves page faults, and nothing else
 *   evictor   keeps RAM free
 * </pre>
 *
 * The connection ends when the client does, and then everything it had is freed. A client that breaks the protocol loses
 * its connection and with it its memory; nobody else notices.
 *
 * <p>What is here is the life of a client: greeting, being taken over, trouble, the end. What it has is in {@link
 * ClientMemory}, its regions in {@link ClientRegions}, what it asks of them in {@link RangeRequests} and {@link ClientPins},
 * what is seen of it in {@link ClientView}, and what outlives this process in {@link ClientCustody}.
 */
final class ClientSession implements Runnable, FaultPump.Host, LiveMmu.Troubles {
    /** A client that gives reason for more lines than this has had its say. */
    private static final int MAX_LOG_LINES = 100;

    /** A client that was taken over and has not read so many greetings by then will not read this one either. */
    private static final long WELCOME_SECONDS = 60;

    private static final long EVICTOR_PAUSE_NANOS = 100_000_000;

    private static final long WELCOME_PAUSE_NANOS = 10_000_000;
    /** How long until devices of a predecessor's client are tried again; twice as long each time. */
    private static final int FIRST_PAUSE_MILLIS = 1_000;

    private static final int LAST_PAUSE_MILLIS = 60_000;
    /** How soon the end of the daemon is noticed by who waits for something else. */
    private static final int CLOSED_POLL_MILLIS = 250;

    private final Daemon daemon;
    private final ClientIdentity client;
    private final Connection connection;
    private final ClientLine line;
    private final PidFd process;
    private final Log log;
    private final ClientAnswers answers;
    private final ClientCustody custody;
    private final ClientMemory memory;
    private final FaultPump pump;
    private final ClientPins pins;
    private final ClientRegions regions;
    private final ClientView view;
    private final RangeRequests requests;
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean welcomed;
    /** Whether it is a predecessor's and not taken over yet: if it never is, it is for another daemon. */
    private volatile boolean pending;

    private volatile boolean observing;
    /** Whether its devices were begun: if they cannot be made, they go when it does. */
    private boolean settling;

    /**
     * A client that has just connected, or one of a predecessor.
     *
     * @param inherited whether it is one of a predecessor
     */
    ClientSession(
            Daemon daemon, long number, Connection connection, PidFd process, int pid, boolean inherited, Log log) {
        this.pending = inherited;
        this.daemon = daemon;
        this.client = new ClientIdentity(number, pid);
        this.connection = connection;
        this.line = new ClientLine(connection, process);
        this.process = process;
        this.log = log.limited(MAX_LOG_LINES);
        this.answers = new ClientAnswers(client, connection, line, this.log);
        this.custody = new ClientCustody(daemon.custody(), number, daemon.points());
        this.memory = new ClientMemory(daemon, number, this, this.log);
        this.pump = new FaultPump(
                memory.space(),
                memory.mmu(),
                HaltPolling.of(pid),
                new RoomAhead(memory, this.log, client),
                daemon.points(),
                this);
        this.pins = new ClientPins(memory.space(), custody, daemon.points());
        this.regions = new ClientRegions(daemon, number, memory, pump, pins, custody);
        this.view = new ClientView(number, memory, pump);
        this.requests =
                new RangeRequests(memory, regions, pins, custody, view, answers, daemon.points(), daemon.movers());
    }

    long number() {
        return client.number();
    }

    int pid() {
        return client.pid();
    }

    String name() {
        return client.name();
    }

    /** Whether it is connected and has not greeted yet. */
    boolean isStranger() {
        return !welcomed && !pending && !memory.isEnded();
    }

    /** Whether it only looks. */
    boolean isObserver() {
        return observing;
    }

    /** Whether it has been greeted as a client that has memory. */
    boolean isClient() {
        return welcomed && !memory.isEnded();
    }

    int regionCount() {
        return regions.count();
    }

    ClientMemory memory() {
        return memory;
    }

    Map<String, Long> status() {
        return view.status();
    }

    String smaps() {
        return view.smaps();
    }

    // ---- the connection ----------------------------------------------------------------------------------------

    @Override
    public void run() {
        try {
            for (; ; ) {
                Optional<Connection.Incoming> incoming = connection.receive();
                if (incoming.isEmpty()) {
                    break;
                }
                serve(incoming.get());
                if (observing) {
                    new ObserverSession(daemon, connection, line, log).run();
                    break;
                }
            }
        } catch (MalformedMessageException e) {
            log.line(this + " broke the protocol: " + e.getMessage());
            answers.last(ErrorCode.MALFORMED, String.valueOf(e.getMessage()));
        } catch (NativeException e) {
            if (!memory.isEnded()) {
                log.line(this + ": connection lost: " + e.getMessage());
            }
        } catch (RuntimeException | Error e) {
            log.defect(this + ": the daemon failed", e);
            answers.last(ErrorCode.INTERNAL, e.toString());
        } finally {
            end();
        }
    }

    /** In the place of {@link #run}: there is no thread for it. */
    void cannotBegin(Throwable why) {
        log.line(this + " cannot be served: " + why.getMessage());
        answers.last(ErrorCode.LIMIT, "the daemon has no thread for another client: " + why.getMessage());
        end();
    }

    private void serve(Connection.Incoming incoming) {
        Message message = incoming.message();
        long correlation = message.correlation();
        int addressee = Wire.addressee(correlation);
        if (addressee != 0 && addressee != daemon.pid()) {
            // Meant for a predecessor; the client asks again.
            incoming.descriptors().forEach(Fd::close);
            return;
        }
        boolean taken = false;
        try {
            if (!welcomed && message.type() != MessageType.HELLO) {
                throw new MalformedMessageException(message.type() + " before HELLO");
            }
            switch (message) {
                case Hello hello -> welcome(hello);
                case RegisterRegion request -> {
                    taken = true;
                    regions.register(request, incoming.descriptors());
                    answers.done(correlation, 0, 0);
                }
                case UnregisterRegion request -> {
                    if (!custody.tookOver() || regions.has(request.region())) {
                        regions.unregister(regions.need(request.region()));
                    }
                    answers.done(correlation, 0, 0);
                }
                case RangeRequest request -> requests.serve(request);
                case Launch request -> launch(request);
                case Query query -> new ObserverSession(daemon, connection, line, log).answer(query);
                default ->
                    throw new RefusedException(
                            ErrorCode.NOT_ALLOWED, message.type() + " is not for a client that has memory");
            }
        } catch (RefusedException e) {
            answers.refuse(correlation, e.code(), String.valueOf(e.getMessage()));
        } catch (MemoryException e) {
            answers.refuse(correlation, ErrorCode.NO_SPACE, String.valueOf(e.getMessage()));
        } finally {
            if (!taken) {
                incoming.descriptors().forEach(Fd::close);
            }
        }
    }

    private void welcome(Hello hello) {
        if (welcomed || settling) {
            throw new MalformedMessageException("a second HELLO");
        }
        if (!hello.speaks(Wire.VERSION)) {
            throw new RefusedException(
                    ErrorCode.VERSION, "this daemon speaks version " + Wire.VERSION + " of the protocol only");
        }
        if (hello.role() == Hello.Role.OBSERVER) {
            observing = true;
            answers.send(
                    welcome(hello.correlation(), Page.SIZE, daemon.options().ramBytes()));
            return;
        }
        if (hello.pageBytes() != Page.SIZE) {
            throw new RefusedException(
                    ErrorCode.NOT_ALLOWED,
                    "pages of " + hello.pageBytes() + " bytes are not supported, only of " + Page.SIZE);
        }
        client.setName(hello.name());
        long ram = daemon.grant(this, hello.ramBytes());
        try {
            ClientDevices devices = daemon.devices().of(number());
            settling = true;
            holdFiles(devices);
            settle(ram, devices);
        } catch (RefusedException e) {
            daemon.ram().takeBack(this);
            throw e;
        }
        serveFaults();
        answers.send(welcome(hello.correlation()));
        daemon.points().passed(FailPoint.WELCOMED);
        // Not before: a keeper that is only just starting would keep it waiting, as it does who has files. What it
        // asks next may wait.
        entrust();
        log.line(this + " has " + ram + " bytes of RAM"
                + (memory.devices().isEmpty() ? "" : " and " + memory.devices()));
    }

    private void holdFiles(ClientDevices devices) {
        try {
            custody.entrust(memory.overflowFiles().ofClient(devices));
        } catch (IllegalStateException e) {
            throw new RefusedException(
                    ErrorCode.NO_DEVICE,
                    "the daemon makes no overflow file that nobody would remove if it was killed: " + e.getMessage());
        }
    }

    private Welcome welcome(long correlation) {
        return welcome(correlation, Page.SIZE * 16, Page.address(memory.budget().limit()));
    }

    private Welcome welcome(long correlation, int blockBytes, long ramBytes) {
        return new Welcome()
                .encode(
                        answers.buffer(),
                        correlation,
                        daemon.pid(),
                        blockBytes,
                        client.number(),
                        ramBytes,
                        ClientRegions.MAX_REGION_BYTES,
                        ClientRegions.MAX_REGIONS);
    }

    private void settle(long ram, ClientDevices devices) {
        memory.settle(ram, devices, new KernelAnswers(client, line, log, memory::isEnded));
        if (memory.budget().samples()) {
            memory.mmu().setIdleNotices(new IdleNotices(connection));
        }
        welcomed = true;
    }

    private void serveFaults() {
        serveFaults(Thread.Builder::start);
    }

    private void serveFaults(BiFunction<Thread.Builder, Runnable, Thread> starter) {
        threads.add(starter.apply(Thread.ofPlatform().name("evictor-" + number()), this::evict));
        threads.add(starter.apply(Thread.ofPlatform().name("pump-" + number()), pump));
    }

    // ---- what outlives the daemon ------------------------------------------------------------------------------

    private void entrust() {
        custody.entrust(client, Page.address(memory.budget().limit()), connection, process, memory);
    }

    /**
     * Takes over a client of a predecessor: its devices, its regions, where each page is, and its threads that wait. One
     * that cannot be taken over waits on, and its things stay with the keeper. One that has left meanwhile, with or without
     * its process, is ended like any other.
     *
     * @param told what the predecessor has said of it
     * @param items what is in custody for it
     * @return whether it is to be served
     */
    boolean takeOver(ClientCustody.Told told, List<Item> items) {
        client.setName(told.name());
        try {
            inherit(told, items);
            pending = false;
            if (!daemon.isClosed() && !line.hasEnded()) {
                return true;
            }
        } catch (RuntimeException e) {
            if (!line.hasEnded() && !daemon.isClosed()) {
                log.defect(this + " cannot be taken over", e);
            }
        }
        pending = true;
        stopServing();
        while (!daemon.isClosed() && !line.endsWithin(CLOSED_POLL_MILLIS)) {
            // What it has counts as granted until it goes.
        }
        if (line.hasEnded()) {
            log.line(this + " left before it was taken over");
            end();
            // What had not become a region yet is nobody's.
            items.forEach(Item::closeDescriptors);
        } else {
            // For another daemon.
            over.countDown();
        }
        return false;
    }

    private void inherit(ClientCustody.Told told, List<Item> items) {
        custody.inherit(items, memory.durable());
        memory.overflowFiles().inherit(told.devices());
        custody.entrustAll(memory.overflowFiles().own());
        settleAgain(told);
        regions.inherit(items);
        Takeover takeover = new Takeover(
                memory.space(), memory.mmu(), memory.budget(), List.copyOf(memory.regions()), memory.holders(), this);
        takeover.run();
        if (memory.mmu().isGone()) {
            return;
        }
        log.line(this + " is taken over: " + takeover);
        custody.inheritPins(items, pins::pin);
        serveFaults(daemon::startInTheEnd);
        daemon.points().passed(FailPoint.TAKEN_OVER);
        // Whoever waits for an answer of the predecessor learns that he has to ask again. Before that he may have to
        // read what many of them have told him.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WELCOME_SECONDS);
        while (!connection.trySend(welcome(0))) {
            if (System.nanoTime() - deadline > 0 || line.hasEnded()) {
                throw new MalformedMessageException("the client does not read its answers");
            }
            LockSupport.parkNanos(WELCOME_PAUSE_NANOS);
        }
    }

    /** Its devices exist; where they cannot be made, such as on a disk that is not there yet, it is tried again. */
    private void settleAgain(ClientCustody.Told told) {
        for (int pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LAST_PAUSE_MILLIS)) {
            try {
                settle(told.ramBytes(), told.devices());
                return;
            } catch (RefusedException e) {
                log.line(this + " cannot be taken over yet; the next try is in " + pause + " ms: " + e.getMessage());
                for (int waited = 0; waited < pause; waited += CLOSED_POLL_MILLIS) {
                    if (daemon.isClosed() || line.endsWithin(CLOSED_POLL_MILLIS)) {
                        throw e;
                    }
                }
            }
        }
    }

    // ---- kernels -----------------------------------------------------------------------------------------------

    private void launch(Launch request) {
        Computing computes = memory.computing();
        if (computes == null) {
            throw new RefusedException(
                    ErrorCode.NO_DEVICE,
                    "this daemon has no device that computes; start it with --device accelerator:256M, or ask for one by"
                            + " Options.accelerator");
        }
        computes.launch(request, memory.regions());
    }

    // ---- trouble -----------------------------------------------------------------------------------------------

    @Override
    public boolean makeRoom(FaultResult.NoMemory shortage) {
        memory.evictor().noticeUse();
        return memory.evictor().reclaimNow() > 0 || !memory.evictor().isStuck();
    }

    @Override
    public void served() {
        memory.evictor().noticeUse();
    }

    @Override
    public void lost(long page, String device, String detail) {
        Region region = memory.mmu().regionOf(page);
        log.line(this + Daemon.LOST + ": " + region + ", offset "
                + (region == null ? "?" : Long.toString(Page.address(region.index(page)))) + ", device '" + device
                + "': " + detail);
        // A successor of who is killed says it again if it is not noted that it was said. That it is lost is noted
        // already.
        if (daemon.options().onLoss() == DaemonOptions.OnLoss.THROW) {
            told(region, page);
            pump.poison(page);
        } else {
            kill("a page of it is lost");
            told(region, page);
        }
    }

    private static void told(@Nullable Region region, long page) {
        if (region != null) {
            region.ledger.told(region.index(page));
        }
    }

    @Override
    public void stray(long page, String detail) {
        kill("it touched 0x" + Long.toHexString(Page.address(page)) + ": " + detail);
    }

    @Override
    public void foreign(int event) {
        kill("its userfaultfd tells of event 0x" + Integer.toHexString(event) + ", which is no page fault");
    }

    @Override
    public void blocking() {
        kill("its userfaultfd was made to wait for its reader");
    }

    /** Without the evictor those who fault make room themselves: slow, and no reason to give up what the client has. */
    private void evict() {
        for (boolean failed = true; failed && !memory.isEnded(); ) {
            try {
                memory.evictor().run();
                failed = false;
            } catch (RuntimeException e) {
                log.defect(this + ": evicting failed, and is begun again", e);
                LockSupport.parkNanos(EVICTOR_PAUSE_NANOS);
            }
        }
    }

    @Override
    public void broken(Throwable defect) {
        try {
            log.defect(this + ": the daemon failed", defect);
        } finally {
            kill("its page faults cannot be served any more");
        }
    }

    @Override
    public void ended(String why) {
        log.line(this + ": " + why);
    }

    @Override
    public void refused(Region region, long page, String call, int errno) {
        if (errno == Errno.ESRCH || memory.isEnded() || line.hasEnded()) {
            memory.mmu().setGone();
            return;
        }
        log.line(
                this + ": " + call + " on " + region + ", offset " + Page.address(page) + ": " + Errno.describe(errno));
        kill("its memory cannot be served any more");
    }

    private void kill(String why) {
        if (memory.mmu().isGone()) {
            return;
        }
        log.line(this + " is ended: " + why);
        // Nothing more is tried on its memory, and nothing more is said about it.
        memory.mmu().setGone();
        try {
            process.signal(PidFd.SIGNAL_KILL);
        } catch (NativeException e) {
            // Somebody else's process, such as one of root's: it stands still where it touches what is not there.
            log.line(this + " cannot be ended: " + e.getMessage());
        }
        connection.shutdown();
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    boolean has(MemoryNode node) {
        return memory.has(node);
    }

    long makeRoom() {
        return memory.evictor().reclaimNow();
    }

    /** Returns once everything is given back. */
    void awaitEnd() {
        Uninterrupted.finish(over::await);
    }

    /** Returns when everything is given back, or after a time. */
    void awaitEnd(long nanos) throws InterruptedException {
        boolean _ = over.await(nanos, TimeUnit.NANOSECONDS);
    }

    /** Whether the client is there no more, so that all that it has is about to be given back. */
    boolean isLeaving() {
        try {
            // One that could not be taken over is there, and not served.
            return (memory.isEnded() && !pending) || line.hasEnded();
        } catch (NativeException e) {
            log.line(this + " cannot be asked whether it has left: " + e.getMessage());
            return false;
        }
    }

    /** Serves no longer and gives nothing back: what is in custody is for another daemon. */
    private void stopServing() {
        memory.setEnded();
        // What is under way is completed: the client is still there, and half a move would be a lost page.
        pump.stop();
        memory.evictor().stop();
    }

    /** Makes {@link #run} end. A client that is for another daemon keeps its connection. */
    void shutdown() {
        if (!pending) {
            connection.shutdown();
        }
    }

    private void end() {
        memory.setEnded();
        memory.mmu().setGone();
        try {
            giveBack(pump::stop);
            giveBack(memory.evictor()::stop);
            Computing computes = memory.computing();
            if (computes != null) {
                giveBack(computes::stop);
            }
            threads.forEach(thread -> Uninterrupted.finish(thread::join));
            List.copyOf(memory.regions()).forEach(region -> giveBack(() -> regions.unregister(region)));
            giveBack(memory.space()::exit);
            daemon.points().passed(FailPoint.REGIONS_ENDED);
            if (computes != null) {
                giveBack(computes::awaitUnits);
            }
            giveBack(memory::removeDevices);
            daemon.points().passed(FailPoint.DEVICES_ENDED);
            giveBack(memory.overflowFiles()::close);
            daemon.points().passed(FailPoint.FILES_ENDED);
            giveBack(custody::releaseAll);
            daemon.points().passed(FailPoint.CLIENT_RELEASED);
            giveBack(this::closeMemory);
            giveBack(pump::close);
            giveBack(connection::close);
            giveBack(process::close);
        } finally {
            daemon.ended(this);
            if (welcomed) {
                log.line(this + " has left");
            }
            over.countDown();
        }
    }

    private void closeMemory() {
        if (!memory.close()) {
            log.line(this + ": a kernel does not end; the memory of its device is kept until the daemon ends");
        }
    }

    /** What cannot be given back is lost; the rest is not. */
    private void giveBack(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            log.defect(this + ": not everything could be given back", e);
        }
    }

    @Override
    public String toString() {
        return client.toString();
    }
}
