package org.heteromem.live.daemon;

import org.heteromem.live.natives.Poller;

/**
 * Waits for the next fault, and looks for it for a while before it sleeps. To be woken can cost more than to serve a fault,
 * above all on a virtual machine, where an idle CPU goes back to the host; so while faults come close to each other the CPU
 * is kept. For how long depends on what waiting has brought, as with Linux's haltpoll governor: a fault that came soon makes
 * the window larger, one that took long makes it smaller. A pump without faults sleeps. Where there is only one CPU it
 * belongs to whoever will fault. For one thread.
 */
final class HaltPolling {
    /** Longest window; longer than it takes to wake a thread on most machines. */
    static final long MOST_NANOS = 100_000;

    private static final long FIRST_NANOS = 10_000;
    private static final int FACTOR = 2;

    private final boolean alone;
    private long window;

    /**
     * @param cpus how many there are
     */
    HaltPolling(int cpus) {
        alone = cpus < 2;
    }

    /** Returns when something is ready, or after a signal. */
    void await(Poller poller) {
        long begin = System.nanoTime();
        if (window > 0) {
            do {
                if (poller.poll(0) > 0) {
                    return;
                }
                // Whoever wants this CPU can have it; the thread that will fault may be waiting for just this one.
                Thread.yield();
            } while (System.nanoTime() - begin < window);
        }
        poller.poll(-1);
        if (System.nanoTime() - begin > MOST_NANOS || alone) {
            window = window > FIRST_NANOS ? window / FACTOR : 0;
        } else {
            window = Math.clamp(window * FACTOR, FIRST_NANOS, MOST_NANOS);
        }
    }

    /** {@return for how many nanoseconds it will look before it sleeps} */
    long window() {
        return window;
    }
}
