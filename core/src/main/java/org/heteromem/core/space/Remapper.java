package org.heteromem.core.space;

import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.RemapMode;
import org.heteromem.core.mirror.Invalidation;

/** Moves areas to other addresses (Linux: mremap.c). Ranges come in checked, in pages. */
public final class Remapper {
    private Remapper() {}

    /**
     * Moves a range, area by area; whatever is mapped where an area goes is unmapped first. Holes are fine but at the start.
     *
     * @param mm where
     * @param start first page
     * @param pages how many
     * @param target first page of the new place
     * @param mode what is left behind
     */
    public static void remap(Mm mm, long start, long pages, long target, RemapMode mode) {
        long end = start + pages;
        if (target < end && start < target + pages) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "remap of " + pages + " pages from " + FaultHandler.at(start) + " to " + FaultHandler.at(target)
                            + ": the ranges overlap");
        }
        long stamp = mm.writeLock();
        try {
            Vma[] found = mm.areas.in(start, end);
            if (found.length == 0 || found[0].start > start) {
                throw new MemoryException(Errno.EFAULT, "remap: nothing is mapped at " + FaultHandler.at(start));
            }
            for (Vma area : found) {
                // Before anything is unmapped at the target.
                area.needOrdinary("remap");
            }
            AreaBounds.limit(mm, found.length + 2);
            long from = start;
            while (from < end) {
                // Looked up anew each time: unmapping the target may have split the area, or joined what was moved to
                // it.
                Vma[] rest = mm.areas.in(from, end);
                if (rest.length == 0) {
                    break;
                }
                // Holes after the first area stay holes, at the target too.
                from = Math.max(from, rest[0].start);
                long to = Math.min(end, rest[0].end);
                long at = target + (from - start);
                AreaOperations.unmapLocked(mm, at, at + (to - from));
                Vma area = mm.areas.find(from);
                if (area == null || area.end < to) {
                    throw new IllegalStateException("unmapping the target of a remap changed its source");
                }
                moveArea(mm, area, from, to, at, mode);
                from = to;
            }
        } finally {
            mm.writeUnlock(stamp);
        }
        AreaOperations.changed(mm, "remap", start, pages);
    }

    private static void moveArea(Mm mm, Vma area, long from, long to, long target, RemapMode mode) {
        long pages = to - from;
        long offset = area.isPrivate() && area.anonVma == null ? target : area.index(from);
        Vma moved = area.like(target, target + pages, offset);
        moved.anonVma = area.anonVma;
        if (area.shared != null) {
            area.shared.addUser();
            AreaBounds.rebound(area, () -> area.shared.areas.add(moved));
        }
        AreaBounds.link(moved, area.chain);
        mm.areas.add(moved);
        mm.notifyStart(Invalidation.Reason.UNMAP, from, pages, null);
        try {
            // No reverse walk may pass the new place before and the old place after a page has moved between them; nor
            // may it copy a page that it finds at the new place while a store through the old one is under way.
            AreaBounds.rebound(area, () -> {
                moveEntries(mm, from, to, target);
                mm.mmu().stopWriters(from, pages);
            });
            mm.mmu().drop(from, pages);
        } finally {
            mm.notifyEnd();
        }
        if (mode == RemapMode.MOVE) {
            AreaOperations.unmapLocked(mm, from, to);
        } else {
            // Of the whole area, also of parts that stayed: what Linux does.
            area.flags &= ~Vma.LOCKED;
            if (area.isPrivate() && area.start == from && area.end == to) {
                AreaBounds.unlink(area);
            }
        }
        AreaBounds.mergeAround(mm, moved);
    }

    private static void moveEntries(Mm mm, long from, long to, long target) {
        for (long page = from; page < to; page++) {
            PageTableLeaf source = mm.pageTable.leaf(page);
            if (source == null) {
                page = PageTable.leafEnd(page) - 1;
                continue;
            }
            if (source.get(page) == 0) {
                continue;
            }
            long newPage = target + (page - from);
            PageTableLeaf sink = mm.pageTable.leafOrMake(newPage);
            source.lock.lock();
            try {
                if (sink != source) {
                    sink.lock.lock();
                }
                try {
                    long entry = source.exchange(page, 0);
                    mm.mmu().revoke(page);
                    if (entry != 0) {
                        sink.set(newPage, entry);
                    }
                } finally {
                    if (sink != source) {
                        sink.lock.unlock();
                    }
                }
            } finally {
                source.lock.unlock();
            }
        }
    }
}
