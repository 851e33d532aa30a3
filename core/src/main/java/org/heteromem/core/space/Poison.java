package org.heteromem.core.space;

import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;

/** Marks pages that are nowhere as lost, for who knows that they had contents. */
final class Poison {
    private Poison() {}

    static long install(Mm mm, long from, long to) {
        long[] marked = {0};
        boolean whole;
        long stamp = mm.writeLock();
        try {
            whole = Advisor.everyArea(mm, from, to, (area, first, end) -> {
                Advisor.prepareMarks(mm, area);
                marked[0] += mark(mm, first, end);
            });
        } finally {
            mm.writeUnlock(stamp);
        }
        if (!whole) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "poison: part of the " + Page.address(to - from) + " bytes at " + FaultHandler.at(from)
                            + " is not mapped; the rest was poisoned");
        }
        return marked[0];
    }

    private static long mark(Mm mm, long from, long to) {
        long marked = 0;
        for (long page = from; page < to; page++) {
            PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
            leaf.lock.lock();
            try {
                if (leaf.get(page) == 0) {
                    leaf.set(page, PteLayout.make(PteLayout.LOST, 0, 0));
                    marked++;
                }
            } finally {
                leaf.lock.unlock();
            }
        }
        return marked;
    }
}
