package org.heteromem.core.space;

import org.heteromem.core.Protection;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.mirror.Invalidation;

/** Changes what areas may be used for (Linux: mprotect.c). Ranges come in checked, in pages. */
public final class Protector {
    private Protector() {}

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
                    throw AreaOperations.hole("protect", at);
                }
                long stop = Math.min(end, area.end);
                protectArea(mm, area, at, stop, protection);
                at = stop;
            }
        } finally {
            mm.writeUnlock(stamp);
        }
        AreaOperations.changed(mm, "protect", start, end - start);
    }

    private static void protectArea(Mm mm, Vma whole, long start, long end, Protection protection) {
        whole.needOrdinary("protect");
        if (whole.protection == protection) {
            return;
        }
        boolean populate =
                whole.has(Vma.LOCKED) && whole.isPrivate() && !whole.protection.writable() && protection.writable();
        Vma area = AreaBounds.carve(mm, start, end)[0];
        if (protection.writable() && area.isPrivate()) {
            area.flags |= Vma.ACCOUNT;
        } else if (area.has(Vma.ACCOUNT) && area.anonVma == null) {
            area.flags &= ~Vma.ACCOUNT;
        }
        area.protection = protection;
        mm.notifyStart(Invalidation.Reason.PROTECTION_AREA, start, end - start, null);
        try {
            changeEntries(mm, area, start, end);
            mm.mmu().stopWriters(start, end - start);
            mm.mmu().drop(start, end - start);
        } finally {
            mm.notifyEnd();
        }
        AreaBounds.mergeAround(mm, area);
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
}
