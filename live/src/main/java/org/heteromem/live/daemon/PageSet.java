package org.heteromem.live.daemon;

import java.util.BitSet;

/** Pages of a region, by number; counts what changes. Guarded by its owner. */
final class PageSet {
    private final BitSet pages = new BitSet();
    private long size;

    /** Adds pages and returns how many were not in it. */
    long add(long first, long count) {
        long added = count - count(first, count);
        pages.set((int) first, (int) (first + count));
        size += added;
        return added;
    }

    /** Removes pages and returns how many were in it. */
    long remove(long first, long count) {
        long removed = count(first, count);
        pages.clear((int) first, (int) (first + count));
        size -= removed;
        return removed;
    }

    /** How many of some pages are in it. */
    long count(long first, long count) {
        return pages.get((int) first, (int) (first + count)).cardinality();
    }

    long size() {
        return size;
    }
}
