package org.heteromem.devices.storage;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the pages that leave RAM: the time in which refault distances are measured (Linux: the nonresident age). Devices
 * of one group share one, so that a page keeps its time when it is demoted. Thread-safe.
 */
public final class EvictionClock {
    /** Bits of a time that a frame has room for; distances are right up to half of it. */
    static final int BITS = 37;

    private static final long MASK = (1L << BITS) - 1;

    private final AtomicLong evicted = new AtomicLong();

    /** Makes a clock at zero. */
    public EvictionClock() {}

    /** {@return how many pages were evicted so far} */
    public long now() {
        return evicted.get();
    }

    /** {@return the time of the first of some pages that are evicted now} */
    long tick(int pages) {
        return evicted.getAndAdd(pages);
    }

    /** {@return pages evicted after a time of which only the low bits are known} */
    long distance(long then) {
        return (now() - 1 - then) & MASK;
    }
}
