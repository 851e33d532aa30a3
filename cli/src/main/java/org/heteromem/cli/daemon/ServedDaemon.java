package org.heteromem.cli.daemon;

import java.util.function.Consumer;
import org.heteromem.live.Status;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.daemon.DaemonOptions;
import org.heteromem.live.natives.NativeException;

/** A daemon in this process, served by a thread of its own. Thread-safe. */
public final class ServedDaemon implements AutoCloseable {
    private final Daemon daemon;
    private final Thread serving;

    private ServedDaemon(Daemon daemon) {
        this.daemon = daemon;
        this.serving = Thread.ofPlatform().name("daemon").start(daemon::run);
    }

    /**
     * Starts one whose clients outlive it: if it is killed, the next one at its socket takes them over.
     *
     * @param options what it shall do
     * @param log is told what happens, line by line, by many threads
     * @return a daemon that listens
     * @throws org.heteromem.cli.BadInputException if it can never listen at its socket
     * @throws DaemonFailedException if it cannot now, for example because another one does
     */
    public static ServedDaemon start(DaemonOptions options, Consumer<String> log) {
        DaemonSocket.prepare(options.socket());
        try {
            return new ServedDaemon(Daemon.withKeeper(options, log));
        } catch (NativeException | IllegalStateException | IllegalArgumentException e) {
            throw new DaemonFailedException("cannot listen at " + options.socket() + ": " + e.getMessage(), e);
        }
    }

    /** {@return how it and its clients are doing} */
    public Status status() {
        return daemon.status();
    }

    /** {@return how many programs have memory with it} */
    public int clients() {
        return daemon.status().subjects().size() - 1;
    }

    /** Returns when it has ended. */
    public void await() throws InterruptedException {
        serving.join();
    }

    /** Ends it. The memory of whoever is still a client is gone then: see {@link #clients}. */
    @Override
    public void close() {
        daemon.close();
    }
}
