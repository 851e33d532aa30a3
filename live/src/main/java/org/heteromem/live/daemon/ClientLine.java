package org.heteromem.live.daemon;

import java.util.concurrent.TimeUnit;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Message;

/**
 * The daemon's end of a client's connection, for what it says. A client may stand still for a while, such as in its garbage
 * collector, with more answers under way than a socket takes: who has to tell it something waits, and nobody else does. One
 * that never reads is given up. Thread-safe.
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

    /** Ends the connection: the client has not been told what it waits for. */
    void shutdown() {
        connection.shutdown();
    }
}
