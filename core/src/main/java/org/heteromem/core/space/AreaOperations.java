package org.heteromem.core.space;

import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.mirror.Invalidation;
import org.jspecify.annotations.Nullable;

/** Maps, unmaps and locks areas (Linux: mmap.c, mlock.c). Ranges come in checked, in pages. */
public final class AreaOperations {
    /** Where addresses are chosen from: above what a program would take for a small integer. */
    private static final long LOWEST_CHOSEN_PAGE = 1L << (32 - Page.SHIFT);

    private AreaOperations() {}

    /**
     * Maps an area.
     *
     * @param mm where
     * @param wanted first page, or -1 to choose
     * @param pages how many, positive
     * @param protection what for
     * @param sharing whose
     * @return the first page
     */
    public static long map(Mm mm, long wanted, long pages, Protection protection, Sharing sharing) {
        long stamp = mm.writeLock();
        long start;
        try {
            start = wanted < 0 ? choose(mm, pages) : wanted;
            if (mm.areas.in(start, start + pages).length > 0) {
                throw new MemoryException(
                        Errno.EEXIST,
                        "map of " + pages + " pages at " + FaultHandler.at(start) + ": something is mapped there");
            }
            AreaBounds.limit(mm, 1);
            int flags = sharing == Sharing.PRIVATE && protection.writable() ? Vma.ACCOUNT : 0;
            SharedObject shared = sharing == Sharing.SHARED ? new SharedObject() : null;
            Vma area = new Vma(mm, start, start + pages, shared == null ? start : 0, protection, flags, shared);
            if (shared != null) {
                shared.addUser();
                shared.areas.add(area);
            }
            mm.areas.add(area);
            AreaBounds.mergeAround(mm, area);
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, "map", start, pages);
        return start;
    }

    /**
     * Maps the whole of some homed memory.
     *
     * @param mm where
     * @param start first page
     * @param homed the memory, not mapped yet
     * @param protection what for
     */
    public static void mapHomed(Mm mm, long start, HomedNode homed, Protection protection) {
        long pages = homed.frames();
        long stamp = mm.writeLock();
        try {
            if (mm.areas.in(start, start + pages).length > 0) {
                throw new MemoryException(
                        Errno.EEXIST,
                        "map of '" + homed.name() + "', " + pages + " pages, at " + FaultHandler.at(start)
                                + ": something is mapped there");
            }
            AreaBounds.limit(mm, 1);
            homed.mapAt(start);
            mm.areas.add(Vma.homed(mm, start, homed, protection));
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, "map", start, pages);
    }

    /** Tells who listens that areas have changed. */
    static void changed(Mm mm, String operation, long start, long pages) {
        mm.machine()
                .emit(() -> new MemoryEvent.AreaChanged(mm.id(), operation, Page.address(start), Page.address(pages)));
    }

    static MemoryException hole(String operation, long page) {
        return new MemoryException(Errno.ENOMEM, operation + ": nothing is mapped at " + FaultHandler.at(page));
    }

    private static long choose(Mm mm, long pages) {
        // Starts on a block boundary, so that blocks of an area are blocks of memory.
        long at = LOWEST_CHOSEN_PAGE;
        for (Vma area : mm.areas.all()) {
            if (area.end <= at) {
                continue;
            }
            if (area.start - at >= pages) {
                break;
            }
            at = (area.end + Page.PER_BLOCK - 1) & -Page.PER_BLOCK;
        }
        if (at + pages > 1L << (Page.ADDRESS_BITS - Page.SHIFT - 1)) {
            throw new MemoryException(Errno.ENOMEM, "no room for " + pages + " pages in address space " + mm.id());
        }
        return at;
    }

    // ---- unmap -------------------------------------------------------------------------------------------------

    /**
     * Unmaps a range; holes are fine.
     *
     * @param mm where
     * @param start first page
     * @param end first page after
     */
    public static void unmap(Mm mm, long start, long end) {
        long stamp = mm.writeLock();
        try {
            unmapLocked(mm, start, end);
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, "unmap", start, end - start);
    }

    /** The same under the exclusive lock. */
    static void unmapLocked(Mm mm, long start, long end) {
        Vma[] gone = AreaBounds.carve(mm, start, end);
        if (gone.length == 0) {
            return;
        }
        mm.notifyStart(Invalidation.Reason.UNMAP, start, end - start, null);
        try {
            Zapper.run(mm, start, end, zapper -> {
                for (Vma area : gone) {
                    mm.areas.remove(area);
                    zapper.zap(area.start, area.end, false);
                }
            });
        } finally {
            mm.notifyEnd();
        }
        for (Vma area : gone) {
            AreaBounds.unlink(area);
            if (area.shared != null) {
                area.shared.dropUser(mm.machine().frames);
            }
        }
        freeTables(mm, start, end);
    }

    /** Drops page tables that no area reaches any more. */
    private static void freeTables(Mm mm, long start, long end) {
        long mask = Page.PER_BLOCK - 1L;
        long from = start & ~mask;
        long to = (end + mask) & ~mask;
        if (mm.areas.in(from, from + Page.PER_BLOCK).length > 0) {
            from += Page.PER_BLOCK;
        }
        if (to > from && mm.areas.in(to - Page.PER_BLOCK, to).length > 0) {
            to -= Page.PER_BLOCK;
        }
        if (to > from) {
            mm.pageTable.free(from, to);
        }
    }

    // ---- lock in memory ----------------------------------------------------------------------------------------

    /**
     * Marks a range as locked and faults it in, or takes the mark away (mlock, munlock).
     *
     * @param mm where
     * @param start first page
     * @param end first page after
     * @param locked which of the two
     */
    public static void setLocked(Mm mm, long start, long end, boolean locked) {
        long stamp = mm.writeLock();
        try {
            long at = start;
            for (Vma found : mm.areas.in(start, end)) {
                if (found.start > at) {
                    throw hole(locked ? "lock" : "unlock", at);
                }
                long stop = Math.min(end, found.end);
                if (found.has(Vma.LOCKED) != locked) {
                    Vma area = AreaBounds.carve(mm, at, stop)[0];
                    area.flags ^= Vma.LOCKED;
                    AreaBounds.mergeAround(mm, area);
                }
                at = stop;
            }
            if (at < end) {
                throw hole(locked ? "lock" : "unlock", at);
            }
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, locked ? "lock" : "unlock", start, end - start);
        if (locked) {
            populateForLock(mm, start, end);
        }
    }

    private static void populateForLock(Mm mm, long start, long end) {
        for (long page = start; page < end; page++) {
            Access access = lockAccess(mm, page);
            FaultResult result = access == null ? null : PageReference.faultIn(mm, page, access);
            if (!(result instanceof FaultResult.Done)) {
                throw new MemoryException(
                        Errno.ENOMEM, "lock: the page at " + FaultHandler.at(page) + " cannot be faulted in");
            }
        }
    }

    private static @Nullable Access lockAccess(Mm mm, long page) {
        long stamp = mm.readLock();
        try {
            Vma area = mm.areas.find(page);
            if (area == null || !area.protection.readable()) {
                return null;
            }
            return area.isPrivate() && area.protection.writable() ? Access.WRITE : Access.READ;
        } finally {
            mm.readUnlock(stamp);
        }
    }
}
