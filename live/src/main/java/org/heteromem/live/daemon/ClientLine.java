package org.heteromem.live.daemon;

import java.util.concurrent.TimeUnit;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Message;

/**
 * The daemon's end of a client's connection, for what it says, and whether there is anybody at the other end. A client may
 * stand still for a while, such as in its garbage collector, with more answers under way than a socket takes: who has to tell
 * it something waits, and nobody else does. One that never reads is given up. Thread-safe.
 */
final class ClientLine {
    /** Much longer than a client that reads at all leaves a full socket as it is. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final int LOOK_MILLIS = 1000;

    private final Connection connection;
    private final PidFd process;

    ClientLine(Connection connection, PidFd process) {
        this.connection = connection;
        this.process = process;
    }

    /**
     * Sends a message, and waits while the client has too many to read. Not for a thread that page faults wait for.
     *
     * @param message left alone until this returns
     * @return false if the client does not read, or has ended
     * @throws org.heteromem.live.natives.NativeException EPIPE or ECONNRESET when the connection has ended
     */
    boolean send(Message message) {
        if (connection.trySend(message)) {
            return true;
        }
        long begin = System.nanoTime();
        Poller poller = new Poller(2);
        poller.add(connection.socket().fd(), Poller.OUT);
        int end = poller.add(process.fd(), Poller.IN);
        while (System.nanoTime() - begin < PATIENCE_NANOS) {
            poller.poll(LOOK_MILLIS);
            if (connection.trySend(message)) {
                return true;
            }
            if (poller.ready(end) != 0) {
                return false;
            }
        }
        return false;
    }

    /** Whether there is nobody any more who could miss anything: a client hangs up first, and unmaps then. */
    boolean hasEnded() {
        return endsWithin(0);
    }

    /** Whether that is so before a time has passed. */
    boolean endsWithin(int millis) {
        Poller poller = new Poller(2);
        int end = poller.add(process.fd(), Poller.IN);
        // Nothing to be read: what it asks for meanwhile waits for whoever serves it.
        int line = poller.add(connection.socket().fd(), 0);
        poller.poll(millis);
        // What is closed was closed as the last of what it had.
        return poller.ready(end) != 0 || (poller.ready(line) & (Poller.HANG_UP | Poller.INVALID)) != 0;
    }

    /** Ends the connection: the client has not been told what it waits for. */
    void shutdown() {
        connection.shutdown();
    }
}
