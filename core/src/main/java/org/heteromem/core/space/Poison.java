package org.heteromem.core.space;

import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;

/** Marks pages that are nowhere as lost, for who knows that they had contents. */
final class Poison {
    private Poison() {}

    static long install(Mm mm, long from, long to) {
        long marked = 0;
        boolean hole = false;
        long stamp = mm.writeLock();
        try {
            long at = from;
            for (Vma area : mm.areas.in(from, to)) {
                hole |= area.start > at;
                long first = Math.max(from, area.start);
                at = Math.min(to, area.end);
                // The range is not empty any more: a fork must copy its page table.
                area.flags |= Vma.MAYBE_GUARD;
                if (area.isPrivate()) {
                    mm.prepareAnon(area);
                }
                marked += mark(mm, first, at);
            }
            hole |= at < to;
        } finally {
            mm.writeUnlock(stamp);
        }
        if (hole) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "poison: part of the " + Page.address(to - from) + " bytes at " + FaultHandler.at(from)
                            + " is not mapped; the rest was poisoned");
        }
        return marked;
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
