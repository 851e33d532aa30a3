package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.Page;
import org.heteromem.live.wire.ErrorCode;

/** How much of a daemon's RAM each client may have. Never more than there is, but for clients of a predecessor. Thread-safe. */
final class RamGrants {
    /** How long a client that comes waits for what others give back; it waits for its welcome for longer than that. */
    private static final long LEAVING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final DaemonOptions options;
    /** All clients, whether or not they have anything. */
    private final Collection<ClientSession> sessions;

    private final Map<Long, Long> byClient = new ConcurrentSkipListMap<>();
    private final AtomicLong granted = new AtomicLong();

    RamGrants(DaemonOptions options, Collection<ClientSession> sessions) {
        this.options = options;
        this.sessions = sessions;
    }

    /** {@return how many bytes all clients have together} */
    long granted() {
        return granted.get();
    }

    /** A client of a predecessor has what it had. */
    void resume(long client, long bytes) {
        granted.addAndGet(bytes);
        byClient.put(client, bytes);
    }

    /**
     * Decides how much a new client gets.
     *
     * @param asked bytes, or 0 for what the daemon gives who does not say
     * @return bytes, whole pages
     * @throws RefusedException if that is too little, or more than is left
     */
    long grant(ClientSession session, long asked) {
        long wanted = asked == 0 ? options.clientRamBytes() : asked;
        if (wanted < DaemonOptions.MIN_RAM_BYTES) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "a budget of " + wanted + " bytes of RAM is too small; at least " + DaemonOptions.MIN_RAM_BYTES
                            + " are needed");
        }
        long bytes = wanted & -(long) Page.SIZE;
        long deadline = System.nanoTime() + LEAVING_NANOS;
        // Who closes its memory and opens it again may be here before all is given back.
        // Who leaves is looked for first: what is given back from then on is seen.
        for (List<ClientSession> leaving = leaving(session); !reserve(bytes); leaving = leaving(session)) {
            if (!awaitOneOf(leaving, deadline)) {
                throw new RefusedException(
                        ErrorCode.LIMIT,
                        wanted + " bytes of RAM were asked for, and " + (options.ramBytes() - granted.get()) + " of "
                                + options.ramBytes() + " are left; ask for less, or give the daemon more");
            }
        }
        byClient.put(session.number(), bytes);
        return bytes;
    }

    private boolean reserve(long bytes) {
        for (; ; ) {
            long now = granted.get();
            if (now + bytes > options.ramBytes()) {
                return false;
            }
            if (granted.compareAndSet(now, now + bytes)) {
                return true;
            }
        }
    }

    /** Those who have RAM, and have left or are about to. */
    private List<ClientSession> leaving(ClientSession but) {
        List<ClientSession> all = new ArrayList<>();
        for (ClientSession other : sessions) {
            if (other != but && byClient.containsKey(other.number()) && other.isLeaving()) {
                all.add(other);
            }
        }
        return all;
    }

    /** Returns whether any has given its RAM back by then. */
    private boolean awaitOneOf(List<ClientSession> leaving, long deadline) {
        for (ClientSession one : leaving) {
            Uninterrupted.finish(() -> one.awaitEnd(deadline - System.nanoTime()));
            if (!byClient.containsKey(one.number())) {
                return true;
            }
        }
        return false;
    }

    /** Takes back what a client has; returns whether that was anything. */
    boolean takeBack(ClientSession session) {
        Long bytes = byClient.get(session.number());
        if (bytes == null) {
            return false;
        }
        granted.addAndGet(-bytes);
        // Not before: who looks for somebody that gives something back must find him or what he has given.
        byClient.remove(session.number());
        return true;
    }
}
