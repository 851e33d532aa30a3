package org.heteromem.core.space;

import java.util.Arrays;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;

/** Finds pages that a node can best do without (Linux: shrink_inactive_list with second chance, without taking them off). */
public final class ColdScan {
    private static final int BATCH = 64;

    private ColdScan() {}

    /**
     * {@return cold anonymous pages, at most as many as wanted}
     *
     * @param machine the machine
     * @param node whose pages
     * @param wanted how many, positive
     */
    public static long[] find(Machine machine, LruNode node, int wanted) {
        long[] found = new long[wanted];
        int n = 0;
        // The first round may only take away used marks; the second then sees who was used meanwhile.
        long left = 2 * node.lruPages() + BATCH;
        while (n < wanted && left > 0) {
            long[] seen = new long[Math.min(BATCH, wanted - n)];
            int scanned = node.lruScan(seen);
            if (scanned == 0) {
                break;
            }
            left -= scanned;
            for (int i = 0; i < scanned; i++) {
                if (cold(machine, seen[i], node instanceof HomedNode)) {
                    found[n++] = seen[i];
                }
            }
        }
        return Arrays.copyOf(found, n);
    }

    /** Whether a page may go. Nothing says when a page of homed memory was used last, so its age on the list decides. */
    private static boolean cold(Machine machine, long frame, boolean byAgeAlone) {
        FrameTable frames = machine.frames;
        if (!frames.tryGet(frame)) {
            return false;
        }
        boolean cold = false;
        if (frames.tryLock(frame)) {
            cold = frames.has(frame, Frames.ANON)
                    && frames.pins(frame) == 0
                    && (byAgeAlone || ReverseMap.referenced(machine, frame) == 0);
            frames.unlock(frame);
        }
        frames.put(frame);
        return cold;
    }
}
