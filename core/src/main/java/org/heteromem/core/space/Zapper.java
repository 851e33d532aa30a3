package org.heteromem.core.space;

import java.util.Arrays;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;

/**
 * Takes the entries of a range away (Linux: zap_page_range, mmu_gather). Frames are let go only after {@link #finish}, when
 * no access can reach them any more.
 */
final class Zapper {
    private final Mm mm;
    private final FrameTable frames;
    private long[] gone = new long[64];
    private int count;

    Zapper(Mm mm) {
        this.mm = mm;
        this.frames = mm.machine().frames;
    }

    /** Clears [start, end). Guards survive when contents are thrown away, not when the area goes. */
    void zap(long start, long end, boolean keepGuards) {
        for (long page = start; page < end; page = PageTable.leafEnd(page)) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                continue;
            }
            long stop = Math.min(end, PageTable.leafEnd(page));
            leaf.lock.lock();
            try {
                for (long p = page; p < stop; p++) {
                    zapEntry(leaf, p, keepGuards);
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    private void zapEntry(PageTableLeaf leaf, long page, boolean keepGuards) {
        long seen = leaf.get(page);
        if (seen == 0 || (keepGuards && PteLayout.kind(seen) == PteLayout.GUARD)) {
            return;
        }
        long frame = PteLayout.frame(seen);
        int kind = PteLayout.kind(seen);
        boolean framed = kind != PteLayout.GUARD && kind != PteLayout.LOST;
        // To be asked before the entry goes: once a migration entry is gone its migrator may let the frame go too.
        boolean anon = framed && frames.has(frame, Frames.ANON);
        long entry = leaf.exchange(page, 0);
        switch (kind) {
            case PteLayout.PRESENT, PteLayout.DEVICE_PRIVATE, PteLayout.DEVICE_EXCLUSIVE -> {
                if (frame == mm.machine().zeroFrame) {
                    return;
                }
                if (PteLayout.dirty(entry)) {
                    frames.set(frame, Frames.DIRTY);
                }
                forget(anon);
                frames.removeMappingKeepReference(frame);
                if (count == gone.length) {
                    gone = Arrays.copyOf(gone, count * 2);
                }
                gone[count++] = frame;
            }
            case PteLayout.MIGRATION -> forget(anon);
            default -> {
                // Guards and lost pages count as nothing.
            }
        }
    }

    private void forget(boolean anon) {
        (anon ? mm.rssAnon : mm.rssShared).getAndDecrement();
    }

    /** Waits until no access can reach what was zapped in [start, end), then lets the frames go. */
    void finish(long start, long end) {
        mm.mmu().drop(start, end - start);
        // Backwards, so that free lists, which hand out last what came first, give neighbouring frames in order again.
        for (int i = count - 1; i >= 0; i--) {
            frames.put(gone[i]);
        }
        count = 0;
    }
}
