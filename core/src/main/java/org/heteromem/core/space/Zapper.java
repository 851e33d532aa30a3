package org.heteromem.core.space;

import java.util.Arrays;
import java.util.function.Consumer;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;

/**
 * Takes the entries of a range away (Linux: zap_page_range, mmu_gather). Frames are let go only when no access can reach
 * them any more.
 */
final class Zapper {
    /** So many frames wait for the end at most: what is zapped may be larger than the heap has room for their numbers. */
    private static final int MOST_WAITING = 4096;

    private final Mm mm;
    private final FrameTable frames;
    /** Below it nothing waits. */
    private long start;

    private long[] gone = new long[64];
    private int count;

    private Zapper(Mm mm, long start) {
        this.mm = mm;
        this.frames = mm.machine().frames;
        this.start = start;
    }

    /**
     * Zaps, waits until no access can reach what was taken away, and then lets its frames go, also if something is thrown.
     *
     * @param mm whose entries
     * @param start the first page that may be zapped
     * @param end the first page after
     * @param body calls {@link #zap}, upwards
     */
    static void run(Mm mm, long start, long end, Consumer<Zapper> body) {
        Zapper zapper = new Zapper(mm, start);
        try {
            body.accept(zapper);
        } finally {
            zapper.finish(end);
        }
    }

    /** Clears [start, end). Guards survive when contents are thrown away, not when the area goes. */
    void zap(long start, long end, boolean keepGuards) {
        for (long page = start; page < end; page = PageTable.leafEnd(page)) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                continue;
            }
            long stop = Math.min(end, PageTable.leafEnd(page));
            makeRoom(page, (int) (stop - page));
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

    /** Before anything is taken away, since what is taken away and not noted would be lost. */
    private void makeRoom(long page, int more) {
        if (count + more > MOST_WAITING) {
            finish(page);
        }
        if (count + more > gone.length) {
            gone = Arrays.copyOf(gone, Math.max(gone.length * 2, count + more));
        }
    }

    /** Waits until no access can reach what was zapped below {@code end}, then lets the frames go. */
    private void finish(long end) {
        mm.mmu().drop(start, end - start);
        start = end;
        // Backwards, so that free lists, which hand out last what came first, give neighbouring frames in order again.
        for (int i = count - 1; i >= 0; i--) {
            frames.put(gone[i]);
        }
        count = 0;
    }
}
