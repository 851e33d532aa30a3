package org.heteromem.core.space;

import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;

/**
 * Installs and removes the entries that stand for a page on its way (architecture: MigrationEntry layout). Three kinds:
 * writable, read-only but exclusive, and read-only. Whether the page belonged to its process alone travels in the entry,
 * because the page's own mark is cleared meanwhile. All under the leaf's lock.
 */
final class MigrationEntries {
    private MigrationEntries() {}

    /**
     * Replaces the entry that maps a frame. The mapping goes; the reference it held passes to the caller.
     *
     * @return false if the page is pinned and so was left alone
     */
    static boolean install(FrameTable frames, PageTableLeaf leaf, long page, long seen) {
        long frame = PteLayout.frame(seen);
        int kind = PteLayout.kind(seen);
        boolean exclusive = frames.has(frame, Frames.ANON_EXCLUSIVE);
        if (exclusive && frames.pins(frame) > 0) {
            return false;
        }
        long moving = PteLayout.make(PteLayout.MIGRATION, frame, bits(seen, kind, exclusive));
        if (kind == PteLayout.PRESENT) {
            long entry = leaf.exchangeKeepingUse(page, moving);
            if (PteLayout.dirty(entry) && !frames.has(frame, Frames.DIRTY)) {
                frames.set(frame, Frames.DIRTY);
            }
        } else {
            leaf.set(page, moving);
        }
        if (exclusive) {
            frames.clear(frame, Frames.ANON_EXCLUSIVE);
        }
        frames.removeMappingKeepReference(frame);
        return true;
    }

    private static long bits(long entry, int kind, boolean exclusive) {
        // A device-exclusive entry, reached through the reverse map only, comes back read-only: the device's right to
        // write is not the process's. The page stays the process's own, so the next store takes it over without a copy.
        if (kind != PteLayout.DEVICE_EXCLUSIVE && PteLayout.writable(entry)) {
            return PteLayout.WRITE;
        }
        return exclusive ? PteLayout.EXCLUSIVE : 0;
    }

    /** {@return a migration entry that is the process's own but read-only: the first store to the page faults} */
    static long readOnly(long entry) {
        return entry & ~PteLayout.WRITE | PteLayout.EXCLUSIVE;
    }

    /**
     * Turns a migration entry into a mapping of a frame, with the rights that the entry kept. The caller's reference becomes
     * the mapping's.
     */
    static void remove(FrameTable frames, Vma area, PageTableLeaf leaf, long page, long entry, long to) {
        boolean present = frames.range(to).owner.cpuAddressable();
        long write = entry & PteLayout.WRITE;
        frames.addMappingOwnReference(to);
        if (PteLayout.exclusive(entry)) {
            int flags = frames.flags(to) & (Frames.ANON | Frames.ANON_EXCLUSIVE);
            if (flags == Frames.ANON) {
                frames.set(to, Frames.ANON_EXCLUSIVE);
            }
        }
        leaf.set(
                page,
                present
                        ? PteLayout.make(
                                PteLayout.PRESENT,
                                to,
                                area.entryBits() | write | entry & (PteLayout.YOUNG | PteLayout.DIRTY))
                        : PteLayout.make(PteLayout.DEVICE_PRIVATE, to, write));
    }
}
