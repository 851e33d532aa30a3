package org.heteromem.live.keeper;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.jspecify.annotations.Nullable;

/**
 * A daemon's way to its keeper: what it gives into custody is safe when {@link #hold} returns. Starts a keeper if there is
 * none, and another one whenever it dies. Thread-safe.
 */
public final class Custody implements AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int POLL_MILLIS = 2;
    /** Keepers that may die in a row before they were of any use. */
    private static final int MOST_FAILURES = 10;
    /** After that, how long until the next ten; twice as long each time. */
    private static final int FIRST_PAUSE_MILLIS = 1000;

    private static final int LAST_PAUSE_MILLIS = 60_000;
    /** For a machine that has no process to spare. */
    private static final long LONG_PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);

    private final Path socket;
    private final List<String> keeperCommand;
    private final Memfd workerCommand;
    private final Consumer<String> log;
    private final EventFd bell = EventFd.create();
    private final Packet packet = new Packet();
    private final Map<String, Item> items = new LinkedHashMap<>();
    private final List<Item> inherited = new ArrayList<>();
    private @Nullable UnixSocket keeper;
    private @Nullable Process started;
    /** Whether the keeper that is to come is not the first. */
    private boolean replacing;

    private volatile boolean closed;
    private volatile boolean unneeded;
    private final Thread watch;

    /**
     * Finds a keeper and takes over what it has. Where there is none, {@link #begin} starts one.
     *
     * @param socket where the keeper is, or shall be
     * @param keeperCommand how to start one
     * @param workerCommand how this process was started, for the keeper
     * @param log hears of keepers that come and go
     * @throws BusyException if another daemon has the keeper
     * @throws IllegalStateException if somebody else listens there
     */
    public Custody(Path socket, List<String> keeperCommand, List<String> workerCommand, Consumer<String> log) {
        this.socket = socket;
        this.keeperCommand = List.copyOf(keeperCommand);
        this.workerCommand = Commands.write(workerCommand);
        this.log = log;
        this.watch = Thread.ofPlatform().name("keeper-watch").daemon().unstarted(this::watch);
        boolean done = false;
        try {
            UnixSocket found = tryConnect();
            if (found != null) {
                take(found, inherited);
            }
            done = true;
        } finally {
            if (!done) {
                this.workerCommand.close();
            }
        }
    }

    /**
     * Starts a keeper if there is none, which is not waited for. Once, and only by who serves already: the keeper of a
     * process that cannot would stay behind.
     *
     * @throws IllegalStateException if it cannot be started
     */
    public void begin() {
        synchronized (this) {
            if (keeper == null) {
                startKeeper();
            }
        }
        watch.start();
    }

    /** Another daemon serves here. */
    public static final class BusyException extends IllegalStateException {
        private static final long serialVersionUID = 1;

        BusyException(String message) {
            super(message);
        }
    }

    /** {@return what a predecessor left, in the order in which it gave it; the descriptors are the caller's} */
    public List<Item> inherited() {
        return List.copyOf(inherited);
    }

    /**
     * Takes over an inherited item: it stays in custody, and so do the descriptors, which must stay open until {@link #drop}.
     *
     * @param item from {@link #inherited}
     */
    public synchronized void resume(Item item) {
        items.put(item.key(), item);
    }

    private @Nullable UnixSocket tryConnect() {
        if (!Files.exists(socket)) {
            return null;
        }
        try {
            return requireOurs(UnixSocket.connect(socket));
        } catch (NativeException e) {
            if (e.errno() == Errno.ECONNREFUSED || e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    /** A keeper is given all memory of all clients, and what it says is believed: it must be of this user. */
    private UnixSocket requireOurs(UnixSocket found) {
        int user;
        try {
            user = found.peer().uid();
        } catch (NativeException e) {
            found.close();
            throw e;
        }
        if (user != Processes.effectiveUserId()) {
            found.close();
            throw new IllegalStateException("user " + user + " listens at " + socket + ", where the keeper of user "
                    + Processes.effectiveUserId() + " should be: choose a socket in a folder of your own");
        }
        return found;
    }

    private void startKeeper() {
        try {
            // That of a keeper that was killed: nobody listens there.
            UnixSocket.removeAbandoned(socket);
            started = new ProcessBuilder(keeperCommand)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot start a keeper, without which memory would be lost with this" + " process: "
                            + e.getMessage(),
                    e);
        }
    }

    /** Listens to a keeper that has just taken us on. */
    private void take(UnixSocket found, List<Item> into) {
        try {
            while (!begins(found, into)) {
                // One more item.
            }
        } catch (RuntimeException e) {
            if (keeper != found) {
                found.close();
            }
            throw e;
        }
    }

    /** {@return whether that was the last word before it is ours} */
    private boolean begins(UnixSocket found, List<Item> into) {
        Packet.Received message = packet.receive(found)
                .orElseThrow(() -> new NativeException("recvmsg", found + " (keeper)", Errno.ECONNRESET));
        switch (message.kind()) {
            case ITEM -> into.add(message.item());
            case REFUSED -> {
                started = null;
                throw new BusyException("daemon " + message.payload() + " serves here already, and its keeper is at "
                        + socket + "; use that daemon, or another socket");
            }
            case BEGIN -> {
                started = null;
                keeper = found;
                boolean told = false;
                try {
                    say(Packet.Kind.WORKER, new Item("worker", "", List.of(workerCommand.fd())));
                    told = true;
                } finally {
                    if (!told) {
                        keeper = null; // one that does not know how to start a worker is none
                    }
                }
                return true;
            }
            default -> throw new IllegalStateException("a keeper does not begin with " + message.kind());
        }
        return false;
    }

    /** The keeper, waited for if it is only just starting; a new one gets everything. */
    private UnixSocket needKeeper() {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        int failures = 0;
        while (keeper == null) {
            if (closed || unneeded) {
                throw new IllegalStateException("no keeper is needed any more");
            }
            UnixSocket found = tryConnect();
            if (found != null) {
                List<Item> had = new ArrayList<>();
                take(found, had);
                had.forEach(Item::closeDescriptors);
                for (Item item : List.copyOf(items.values())) {
                    say(Packet.Kind.HOLD, item);
                }
                bell.signal();
                if (replacing) {
                    // Until now, the end of this process would have been the end of its clients' memory.
                    replacing = false;
                    log.accept("a new keeper has all " + items.size() + " items");
                }
                break;
            }
            Process starting = started;
            if (starting == null || !starting.isAlive()) {
                if (++failures == MOST_FAILURES) {
                    throw new IllegalStateException(
                            "no keeper lives long enough to be of use, " + failures + " have died: " + keeperCommand);
                }
                log.accept(
                        starting == null
                                ? "starting a keeper"
                                : "a keeper has died before it kept anything: starting another one");
                startKeeper();
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("no keeper has come to " + socket + " within "
                        + TimeUnit.NANOSECONDS.toSeconds(PATIENCE_NANOS) + " seconds");
            }
            try {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for the keeper at " + socket, e);
            }
        }
        UnixSocket now = keeper;
        if (now == null) {
            throw new IllegalStateException("the keeper at " + socket + " has gone again");
        }
        return now;
    }

    /** Says something and waits until it is done. */
    private void say(Packet.Kind kind, Item item) {
        UnixSocket to = keeper;
        if (to == null) {
            throw new IllegalStateException("there is no keeper");
        }
        packet.send(to, kind, item);
        if (packet.receive(to).isEmpty()) {
            throw new NativeException("recvmsg", to + " (keeper)", Errno.ECONNRESET);
        }
    }

    private void sayWhateverHappens(Packet.Kind kind, Item item) {
        long deadline = System.nanoTime() + LONG_PATIENCE_NANOS;
        for (int tries = 0; ; tries++) {
            try {
                needKeeper();
                say(kind, item);
                return;
            } catch (NativeException e) {
                log.accept("the keeper is gone (" + e.getMessage() + "): starting another one");
                forget();
                if (tries > 100) {
                    throw e;
                }
            } catch (BusyException e) {
                throw e;
            } catch (IllegalStateException e) {
                if (!replacing || closed || unneeded || System.nanoTime() - deadline > 0) {
                    throw e;
                }
                // Such as a machine without memory for one more process: it may pass, and the client can wait for it.
                log.accept("no keeper yet; it is tried again: " + e.getMessage());
                pause();
            }
        }
    }

    /** Others may look for a keeper meanwhile, or end this. */
    private void pause() {
        try {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(FIRST_PAUSE_MILLIS);
            for (long left = FIRST_PAUSE_MILLIS; left > 0 && !closed && !unneeded; ) {
                wait(left);
                left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a keeper at " + socket, e);
        }
    }

    private void forget() {
        UnixSocket gone = keeper;
        keeper = null;
        if (gone != null) {
            gone.close();
        }
        if (!closed) {
            replacing = true;
            try {
                startKeeper();
            } catch (IllegalStateException e) {
                // Whoever needs it tries again.
                started = null;
                log.accept(String.valueOf(e.getMessage()));
            }
        }
    }

    /**
     * Gives descriptors into custody, in the place of those that have the key; returns when they are safe.
     *
     * @param key what they are
     * @param payload what a successor has to know
     * @param descriptors stay the caller's too, who must not close them before {@link #drop}
     */
    public synchronized void hold(String key, String payload, Fd... descriptors) {
        Item item = new Item(key, payload, List.of(descriptors));
        items.put(key, item);
        sayWhateverHappens(Packet.Kind.HOLD, item);
    }

    /**
     * Ends the custody of something and of all that belongs to it.
     *
     * @param key what
     */
    public synchronized void drop(String key) {
        items.values().removeIf(item -> item.belongsTo(key));
        if (keeper == null) {
            // The next one hears of what is left only.
            return;
        }
        try {
            say(Packet.Kind.DROP, new Item(key, "", List.of()));
        } catch (NativeException e) {
            log.accept("the keeper is gone (" + e.getMessage() + "): starting another one");
            forget();
        }
    }

    /** Sees to it that a keeper that dies is replaced at once, and not when it is needed. */
    private void watch() {
        int pause = FIRST_PAUSE_MILLIS;
        while (!closed) {
            UnixSocket watched = null;
            synchronized (this) {
                try {
                    watched = needKeeper();
                } catch (NativeException e) {
                    forget();
                    continue;
                } catch (BusyException e) {
                    log.accept("without a keeper, memory would be lost with this process: " + e.getMessage());
                    return;
                } catch (RuntimeException e) {
                    if (!closed) {
                        log.accept("without a keeper, memory would be lost with this process; the next try is in "
                                + pause + " ms: " + e.getMessage());
                    }
                }
            }
            if (watched == null) {
                // Whatever it was, such as a machine without memory for one more process, may pass.
                Poller poller = new Poller(1);
                poller.add(bell.fd(), Poller.IN);
                poller.poll(pause);
                if (!closed) {
                    bell.drain();
                }
                pause = Math.min(2 * pause, LAST_PAUSE_MILLIS);
                continue;
            }
            pause = FIRST_PAUSE_MILLIS;
            Poller poller = new Poller(2);
            int ring = poller.add(bell.fd(), Poller.IN);
            int spoken = poller.add(watched.fd(), 0);
            poller.poll(-1);
            if (poller.ready(ring) != 0 && !closed) {
                bell.drain();
            }
            if (poller.ready(spoken) != 0) {
                synchronized (this) {
                    if (keeper == watched && !closed) {
                        log.accept("the keeper is gone: starting another one");
                        forget();
                    }
                }
            }
        }
    }

    /** Ends a keeper that was started and has never been reached: nobody else would. */
    private void dismiss() {
        Process unused = started;
        if (unused == null) {
            return;
        }
        unused.destroyForcibly();
        try {
            unused.waitFor();
            UnixSocket.removeAbandoned(socket);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IllegalStateException e) {
            log.accept(String.valueOf(e.getMessage()));
        }
    }

    /** Whoever waits for a keeper that is not there waits no longer, and neither does anybody who comes. */
    public void expectNoKeeper() {
        unneeded = true;
    }

    /** Leaves; what is in custody stays there. */
    @Override
    public void close() {
        closed = true;
        bell.signal();
        boolean interrupted = false;
        for (; ; ) {
            try {
                watch.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        synchronized (this) {
            UnixSocket last = keeper;
            keeper = null;
            if (last != null) {
                last.close();
            }
            dismiss();
        }
        workerCommand.close();
        bell.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
