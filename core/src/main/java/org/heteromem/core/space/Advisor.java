package org.heteromem.core.space;

import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.mirror.Invalidation;
import org.jspecify.annotations.Nullable;

/**
 * Carries out what a program tells about a range (Linux: madvise.c), area by area: an error of one leaves the earlier ones
 * done; holes are skipped and make the call end with ENOMEM.
 */
public final class Advisor {
    private Advisor() {}

    /**
     * Advises.
     *
     * @param mm where
     * @param start first page
     * @param end first page after
     * @param advice what
     */
    public static void advise(Mm mm, long start, long end, Advice advice) {
        if (advice == Advice.POPULATE_READ || advice == Advice.POPULATE_WRITE) {
            populate(mm, start, end, advice);
            return;
        }
        boolean hole;
        long stamp = mm.writeLock();
        try {
            hole = !everyArea(mm, start, end, (area, from, to) -> adviseArea(mm, area, from, to, advice));
        } finally {
            mm.writeUnlock(stamp);
        }
        mm.machine()
                .emit(() -> new MemoryEvent.AreaChanged(
                        mm.id(), "advise " + advice, Page.address(start), Page.address(end - start)));
        if (hole) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "advise " + advice + ": part of the range at " + FaultHandler.at(start)
                            + " is not mapped; the rest was advised");
        }
    }

    /** What is done to the part of an area that is in a range. */
    @FunctionalInterface
    interface AreaAction {
        void on(Vma area, long from, long to);
    }

    /** Does something to every area of a range, under the lock; returns whether all of the range is mapped. */
    static boolean everyArea(Mm mm, long start, long end, AreaAction action) {
        boolean whole = true;
        long at = start;
        for (Vma area : mm.areas.in(start, end)) {
            whole &= area.start <= at;
            long from = Math.max(start, area.start);
            at = Math.min(end, area.end);
            action.on(area, from, at);
        }
        return whole && at >= end;
    }

    /** An area is about to have marks and is not empty any more, even without a page: a fork must copy its page table. */
    static void prepareMarks(Mm mm, Vma area) {
        area.flags |= Vma.MAYBE_GUARD;
        if (area.isPrivate()) {
            mm.prepareAnon(area);
        }
    }

    private static MemoryException refuse(Advice advice, long page, String why) {
        return new MemoryException(Errno.EINVAL, "advise " + advice + " at " + FaultHandler.at(page) + ": " + why);
    }

    private static void adviseArea(Mm mm, Vma area, long from, long to, Advice advice) {
        switch (advice) {
            case DONTNEED -> {
                notLocked(area, from, advice);
                zap(mm, from, to, true);
            }
            case FREE -> {
                if (!area.isPrivate()) {
                    throw refuse(advice, from, "only private anonymous memory can be freed lazily");
                }
                notLocked(area, from, advice);
                // Kept until there is pressure; followers are told, as Linux does.
                mm.notifyStart(Invalidation.Reason.CLEAR, from, to - from, null);
                mm.notifyEnd();
            }
            case COLD, PAGEOUT -> {
                notLocked(area, from, advice);
                deactivate(mm, from, to);
            }
            case WILLNEED -> {
                // All memory is present or a fault away; there is no swap to read ahead from.
            }
            case HUGEPAGE -> setFlags(mm, area, from, to, Vma.HUGEPAGE, Vma.NOHUGEPAGE);
            case NOHUGEPAGE -> setFlags(mm, area, from, to, Vma.NOHUGEPAGE, Vma.HUGEPAGE);
            case GUARD_INSTALL -> installGuards(mm, area, from, to);
            case GUARD_REMOVE -> removeGuards(mm, from, to);
            case DONTFORK -> setFlags(mm, area, from, to, Vma.DONTFORK, 0);
            case DOFORK -> setFlags(mm, area, from, to, 0, Vma.DONTFORK);
            case WIPEONFORK -> {
                if (!area.isPrivate()) {
                    throw refuse(advice, from, "only private anonymous memory can be wiped at a fork");
                }
                setFlags(mm, area, from, to, Vma.WIPEONFORK, 0);
            }
            case KEEPONFORK -> setFlags(mm, area, from, to, 0, Vma.WIPEONFORK);
            case POPULATE_READ, POPULATE_WRITE -> throw new IllegalStateException("populate works without the lock");
        }
    }

    private static void notLocked(Vma area, long from, Advice advice) {
        if (area.has(Vma.LOCKED)) {
            throw refuse(advice, from, "the area is locked in memory; unlock it first");
        }
    }

    private static void setFlags(Mm mm, Vma found, long from, long to, int set, int clear) {
        if ((found.flags & ~clear | set) == found.flags) {
            return;
        }
        Vma area = AreaBounds.carve(mm, from, to)[0];
        area.flags = area.flags & ~clear | set;
        AreaBounds.mergeAround(mm, area);
    }

    private static void zap(Mm mm, long from, long to, boolean keepGuards) {
        mm.notifyStart(Invalidation.Reason.CLEAR, from, to - from, null);
        try {
            Zapper.run(mm, from, to, zapper -> zapper.zap(from, to, keepGuards));
        } finally {
            mm.notifyEnd();
        }
    }

    private static void deactivate(Mm mm, long from, long to) {
        for (long page = from; page < to; page++) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                page = PageTable.leafEnd(page) - 1;
                continue;
            }
            leaf.lock.lock();
            try {
                long entry = leaf.get(page);
                if (PteLayout.kind(entry) == PteLayout.PRESENT && PteLayout.frame(entry) != mm.machine().zeroFrame) {
                    leaf.update(page, PteLayout.YOUNG, 0);
                    mm.mmu().revoke(page);
                    mm.machine().lruDeactivate(PteLayout.frame(entry));
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    private static void installGuards(Mm mm, Vma area, long from, long to) {
        notLocked(area, from, Advice.GUARD_INSTALL);
        prepareMarks(mm, area);
        mm.notifyStart(Invalidation.Reason.CLEAR, from, to - from, null);
        try {
            Zapper.run(mm, from, to, zapper -> {
                zapper.zap(from, to, true);
                setGuards(mm, from, to);
            });
        } finally {
            mm.notifyEnd();
        }
    }

    private static void setGuards(Mm mm, long from, long to) {
        for (long page = from; page < to; page++) {
            PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
            leaf.lock.lock();
            try {
                leaf.set(page, PteLayout.make(PteLayout.GUARD, 0, 0));
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    private static void removeGuards(Mm mm, long from, long to) {
        for (long page = from; page < to; page++) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                page = PageTable.leafEnd(page) - 1;
                continue;
            }
            leaf.lock.lock();
            try {
                if (PteLayout.kind(leaf.get(page)) == PteLayout.GUARD) {
                    leaf.set(page, 0);
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    private static void populate(Mm mm, long start, long end, Advice advice) {
        Access access = advice == Advice.POPULATE_WRITE ? Access.WRITE : Access.READ;
        for (long page = start; page < end; page++) {
            Errno refused = refusal(mm, page, access);
            if (refused != null) {
                throw new MemoryException(
                        refused,
                        "advise " + advice + " at " + FaultHandler.at(page) + ": "
                                + (refused == Errno.ENOMEM ? "not mapped" : "the mapping forbids it"));
            }
            FaultResult result = PageReference.faultIn(mm, page, access);
            if (!(result instanceof FaultResult.Done)) {
                throw new MemoryException(
                        Errno.EFAULT,
                        "advise " + advice + ": the page at " + FaultHandler.at(page) + " cannot be faulted in");
            }
        }
    }

    private static @Nullable Errno refusal(Mm mm, long page, Access access) {
        long stamp = mm.readLock();
        try {
            Vma area = mm.areas.find(page);
            if (area == null) {
                return Errno.ENOMEM;
            }
            boolean allowed = access == Access.WRITE ? area.protection.writable() : area.protection.readable();
            return allowed ? null : Errno.EINVAL;
        } finally {
            mm.readUnlock(stamp);
        }
    }
}
