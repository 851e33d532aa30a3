package org.heteromem.core.space;

import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;

/**
 * Cuts areas and joins them while the address space's lock is held for changing them (Linux: vma.c). No reverse walk meets an
 * area whose bounds are half changed.
 */
final class AreaBounds {
    /** The most areas one address space may have (vm.max_map_count). */
    private static final int MAX_AREAS = 65_530;

    private AreaBounds() {}

    /** Fails if there would be too many. */
    static void limit(Mm mm, int more) {
        if (mm.areas.size() + more > MAX_AREAS) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "address space " + mm.id() + " has " + mm.areas.size() + " areas, the limit is " + MAX_AREAS);
        }
    }

    /** Lets the reverse map find an area by anchors that other areas have too. */
    static void link(Vma area, List<AnonVma> chain) {
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

    /** The reverse map finds an area no longer. */
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
    static void rebound(Vma area, Runnable change) {
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
        limit(mm, 1);
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
}
