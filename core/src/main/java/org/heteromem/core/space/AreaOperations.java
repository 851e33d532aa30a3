package org.heteromem.core.space;

import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.mirror.Invalidation;
import org.jspecify.annotations.Nullable;

/** Maps, unmaps, protects and moves areas (Linux: mmap.c, mprotect.c, mremap.c). Ranges come in checked, in pages. */
public final class AreaOperations {
    /** The most areas one address space may have (vm.max_map_count). */
    public static final int MAX_AREAS = 65_530;
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
            limitAreas(mm, 1);
            int flags = sharing == Sharing.PRIVATE && protection.writable() ? Vma.ACCOUNT : 0;
            SharedObject shared = sharing == Sharing.SHARED ? new SharedObject() : null;
            Vma area = new Vma(mm, start, start + pages, shared == null ? start : 0, protection, flags, shared);
            if (shared != null) {
                shared.addUser();
                shared.areas.add(area);
            }
            mm.areas.add(area);
            mergeAround(mm, area);
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
            limitAreas(mm, 1);
            homed.mapAt(start);
            mm.areas.add(Vma.homed(mm, start, homed, protection));
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, "map", start, pages);
    }

    private static void changed(Mm mm, String operation, long start, long pages) {
        mm.machine()
                .emit(() -> new MemoryEvent.AreaChanged(mm.id(), operation, Page.address(start), Page.address(pages)));
    }

    private static void limitAreas(Mm mm, int more) {
        if (mm.areas.size() + more > MAX_AREAS) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "address space " + mm.id() + " has " + mm.areas.size() + " areas, the limit is " + MAX_AREAS);
        }
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

    // ---- cutting and joining -----------------------------------------------------------------------------------

    private static void link(Vma area, List<AnonVma> chain) {
        if (chain.isEmpty()) {
            return;
        }
        ReentrantReadWriteLock.WriteLock write = chain.get(0).lock().writeLock();
        write.lock();
        try {
            chain.forEach(anchor -> anchor.areas.add(area));
        } finally {
            write.unlock();
        }
        area.chain = chain;
    }

    static void unlink(Vma area) {
        if (area.shared != null) {
            ReentrantReadWriteLock.WriteLock write = area.shared.lock().writeLock();
            write.lock();
            try {
                area.shared.areas.remove(area);
            } finally {
                write.unlock();
            }
        }
        List<AnonVma> chain = area.chain;
        if (!chain.isEmpty()) {
            ReentrantReadWriteLock.WriteLock write = chain.get(0).lock().writeLock();
            write.lock();
            try {
                chain.forEach(anchor -> anchor.areas.remove(area));
            } finally {
                write.unlock();
            }
            area.chain = List.of();
            area.anonVma = null;
        }
    }

    /** Runs a change of an area's bounds while no reverse walk looks at them. */
    private static void rebound(Vma area, Runnable change) {
        Anchor anchor = area.shared != null ? area.shared : area.chain.isEmpty() ? null : area.chain.get(0);
        if (anchor == null) {
            change.run();
            return;
        }
        ReentrantReadWriteLock.WriteLock write = anchor.lock().writeLock();
        write.lock();
        try {
            change.run();
        } finally {
            write.unlock();
        }
    }

    /** Splits an area; it keeps the lower part. */
    private static void split(Mm mm, Vma area, long at) {
        limitAreas(mm, 1);
        Vma upper = area.like(at, area.end, area.index(at));
        upper.anonVma = area.anonVma;
        rebound(area, () -> {
            if (area.shared != null) {
                area.shared.addUser();
                area.shared.areas.add(upper);
            }
            for (AnonVma anchor : area.chain) {
                anchor.areas.add(upper);
            }
            upper.chain = area.chain;
            area.end = at;
        });
        mm.areas.add(upper);
    }

    /** Makes area boundaries of both ends of a range, where they fall into an area. */
    static Vma[] carve(Mm mm, long start, long end) {
        Vma first = mm.areas.find(start);
        if (first != null && first.start < start) {
            split(mm, first, start);
        }
        Vma last = mm.areas.find(end - 1);
        if (last != null && last.end > end) {
            split(mm, last, end);
        }
        return mm.areas.in(start, end);
    }

    /** Joins an area with its neighbours where nothing tells them apart any more. */
    static void mergeAround(Mm mm, Vma area) {
        Vma kept = area;
        Vma previous = mm.areas.endingAt(area.start);
        if (previous != null && mergeable(previous, area)) {
            merge(mm, previous, area);
            kept = previous;
        }
        Vma next = mm.areas.startingAt(kept.end);
        if (next != null && mergeable(kept, next)) {
            merge(mm, kept, next);
        }
    }

    private static boolean mergeable(Vma left, Vma right) {
        return left.protection == right.protection
                && ((left.flags ^ right.flags) & ~Vma.STICKY) == 0
                && left.shared == right.shared
                && left.homed == right.homed
                && right.offset == left.index(right.start)
                && sameAnchor(left, right);
    }

    /** One anchor, or one of the two never had pages and the other shares its own with no ancestor. */
    private static boolean sameAnchor(Vma left, Vma right) {
        AnonVma a = left.anonVma;
        AnonVma b = right.anonVma;
        if (a == null || b == null) {
            return left.chain.size() <= 1 && right.chain.size() <= 1;
        }
        return a == b;
    }

    private static void merge(Mm mm, Vma left, Vma right) {
        long end = right.end;
        if (left.anonVma == null && right.anonVma != null) {
            link(left, right.chain);
            left.anonVma = right.anonVma;
        }
        left.flags |= right.flags & Vma.STICKY;
        mm.areas.remove(right);
        rebound(left, () -> left.end = end);
        unlink(right);
        if (right.shared != null) {
            right.shared.dropUser(mm.machine().frames);
        }
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

    static void unmapLocked(Mm mm, long start, long end) {
        Vma[] gone = carve(mm, start, end);
        if (gone.length == 0) {
            return;
        }
        mm.notifyStart(Invalidation.Reason.UNMAP, start, end - start, null);
        Zapper zapper = new Zapper(mm);
        for (Vma area : gone) {
            mm.areas.remove(area);
            zapper.zap(area.start, area.end, false);
        }
        zapper.finish(start, end);
        mm.notifyEnd();
        for (Vma area : gone) {
            unlink(area);
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

    // ---- protect -----------------------------------------------------------------------------------------------

    /**
     * Changes what a range may be used for. Up to a hole it is changed, then ENOMEM.
     *
     * @param mm where
     * @param start first page
     * @param end first page after
     * @param protection the new protection
     */
    public static void protect(Mm mm, long start, long end, Protection protection) {
        long stamp = mm.writeLock();
        try {
            long at = start;
            Vma[] found = mm.areas.in(start, end);
            for (int i = 0; at < end; i++) {
                Vma area = i < found.length ? found[i] : null;
                if (area == null || area.start > at) {
                    throw hole("protect", at);
                }
                long stop = Math.min(end, area.end);
                protectArea(mm, area, at, stop, protection);
                at = stop;
            }
        } finally {
            mm.writeUnlock(stamp);
        }
        changed(mm, "protect", start, end - start);
    }

    static MemoryException hole(String operation, long page) {
        return new MemoryException(Errno.ENOMEM, operation + ": nothing is mapped at " + FaultHandler.at(page));
    }

    private static void protectArea(Mm mm, Vma whole, long start, long end, Protection protection) {
        whole.needOrdinary("protect");
        if (whole.protection == protection) {
            return;
        }
        boolean populate =
                whole.has(Vma.LOCKED) && whole.isPrivate() && !whole.protection.writable() && protection.writable();
        Vma area = carve(mm, start, end)[0];
        if (protection.writable() && area.isPrivate()) {
            area.flags |= Vma.ACCOUNT;
        } else if (area.has(Vma.ACCOUNT) && area.anonVma == null) {
            area.flags &= ~Vma.ACCOUNT;
        }
        area.protection = protection;
        mm.notifyStart(Invalidation.Reason.PROTECTION_AREA, start, end - start, null);
        changeEntries(mm, area, start, end);
        mm.mmu().stopWriters(start, end - start);
        mm.mmu().drop(start, end - start);
        mm.notifyEnd();
        mergeAround(mm, area);
        if (populate) {
            for (long page = start; page < end && populateLocked(mm, page); page++) {
                // On to the next.
            }
        }
    }

    /**
     * Write-faults a page of a locked area that has just become writable; false if that is not possible, which ends the
     * populating as in Linux. The exclusive lock is held, so what would have to wait or to make room is left for the touch
     * to come.
     */
    private static boolean populateLocked(Mm mm, long page) {
        PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
        while (!PteLayout.allows(leaf.get(page), true)) {
            if (!(FaultHandler.handle(mm, page, true, false) instanceof FaultResult.Done)) {
                return false;
            }
        }
        return true;
    }

    private static void changeEntries(Mm mm, Vma area, long start, long end) {
        for (long page = start; page < end; page = PageTable.leafEnd(page)) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                continue;
            }
            long stop = Math.min(end, PageTable.leafEnd(page));
            leaf.lock.lock();
            try {
                for (long p = page; p < stop; p++) {
                    changeEntry(mm, area, leaf, p);
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    private static void changeEntry(Mm mm, Vma area, PageTableLeaf leaf, long page) {
        long entry = leaf.get(page);
        switch (PteLayout.kind(entry)) {
            case PteLayout.PRESENT -> {
                long frame = PteLayout.frame(entry);
                boolean write = area.protection.writable()
                        && (area.shared != null
                                || (frame != mm.machine().zeroFrame
                                        // A clean page keeps its copy; the next store asks.
                                        && mm.machine().frames.copyOf(frame) == 0
                                        && mm.machine().frames.has(frame, Frames.ANON | Frames.ANON_EXCLUSIVE)));
                leaf.update(page, PteLayout.READ | PteLayout.WRITE, area.entryBits() | (write ? PteLayout.WRITE : 0));
            }
            case PteLayout.DEVICE_PRIVATE ->
                // Never given back by a later change: the next store brings the page home first.
                leaf.update(page, PteLayout.WRITE, 0);
            case PteLayout.MIGRATION -> {
                if (PteLayout.writable(entry)) {
                    boolean anon = mm.machine().frames.has(PteLayout.frame(entry), Frames.ANON);
                    leaf.update(page, PteLayout.WRITE, anon ? PteLayout.EXCLUSIVE : 0);
                }
            }
            default -> {
                // Empty, exclusive (decided when it is taken back), guard, lost.
            }
        }
    }

    // ---- remap -------------------------------------------------------------------------------------------------

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
            limitAreas(mm, found.length + 2);
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
                unmapLocked(mm, at, at + (to - from));
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
        changed(mm, "remap", start, pages);
    }

    private static void moveArea(Mm mm, Vma area, long from, long to, long target, RemapMode mode) {
        long pages = to - from;
        long offset = area.isPrivate() && area.anonVma == null ? target : area.index(from);
        Vma moved = area.like(target, target + pages, offset);
        moved.anonVma = area.anonVma;
        if (area.shared != null) {
            area.shared.addUser();
            rebound(area, () -> area.shared.areas.add(moved));
        }
        link(moved, area.chain);
        mm.areas.add(moved);
        mm.notifyStart(Invalidation.Reason.UNMAP, from, pages, null);
        // No reverse walk may pass the new place before and the old place after a page has moved between them; nor may
        // it
        // copy a page that it finds at the new place while a store through the old one is under way.
        rebound(area, () -> {
            moveEntries(mm, from, to, target);
            mm.mmu().stopWriters(from, pages);
        });
        mm.mmu().drop(from, pages);
        mm.notifyEnd();
        if (mode == RemapMode.MOVE) {
            unmapLocked(mm, from, to);
        } else {
            // Of the whole area, also of parts that stayed: what Linux does.
            area.flags &= ~Vma.LOCKED;
            if (area.isPrivate() && area.start == from && area.end == to) {
                unlink(area);
            }
        }
        mergeAround(mm, moved);
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
                    Vma area = carve(mm, at, stop)[0];
                    area.flags ^= Vma.LOCKED;
                    mergeAround(mm, area);
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
