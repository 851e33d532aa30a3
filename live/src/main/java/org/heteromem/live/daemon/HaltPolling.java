package org.heteromem.live.daemon;

import java.util.BitSet;
import org.heteromem.live.natives.Cpus;
import org.heteromem.live.natives.NativeException;
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
     * @param cpus how many there are for the pump and those who fault
     */
    HaltPolling(int cpus) {
        alone = cpus < 2;
    }

    /** For the faults of a process whose first thread has this number. */
    static HaltPolling of(int client) {
        BitSet here = Cpus.allowed();
        BitSet there;
        try {
            there = Cpus.allowed(client);
        } catch (NativeException _) {
            // It may be gone already, or have another number here: it runs where everything runs.
            there = here;
        }
        return new HaltPolling(cpus(here, there, Runtime.getRuntime().availableProcessors()));
    }

    /**
     * {@return on how many CPUs two processes run together}
     *
     * @param here where this one may run
     * @param there where the other may
     * @param available how many this one can use; fewer than it may run on if a control group gives no more
     */
    static int cpus(BitSet here, BitSet there, int available) {
        if (available < here.cardinality()) {
            return available;
        }
        BitSet all = (BitSet) here.clone();
        all.or(there);
        return all.cardinality();
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
