package org.heteromem.core.space;

import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.HomedNode;

/** Finds out which old pages of homed memory are still used (Linux: mm/page_idle.c). */
public final class IdlePages {
    private static final int MOST = 4096;

    private IdlePages() {}

    /**
     * {@return how many pages more are watched from now on} Some of them may be used without that being seen: pinned pages
     * stay mapped, and the process may be told too late or not at all.
     *
     * @param mm whose pages
     * @param node where they are at home
     * @param most how many at once, positive
     */
    public static int watch(Mm mm, HomedNode node, int most) {
        int wanted = (int) Math.min(node.unwatched(), Math.min(most, MOST));
        if (wanted == 0) {
            return 0;
        }
        long[] frames = new long[wanted];
        int watched = node.watch(frames);
        FrameTable table = mm.machine().frames;
        int n = 0;
        for (int i = 0; i < watched; i++) {
            // Neither lock nor reference: nobody else shall meet those of a hint.
            if (table.pins(frames[i]) == 0) {
                frames[n++] = node.pageOf(frames[i]);
            }
        }
        if (n > 0) {
            mm.mmu().makeIdle(frames, n);
        }
        return watched;
    }
}
