package org.heteromem.core.space;

import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.jspecify.annotations.Nullable;

/** Finds out which old pages of homed memory are still used (Linux: mm/page_idle.c). */
public final class IdlePages {
    private static final int MOST = 4096;

    private IdlePages() {}

    /**
     * {@return how many pages more are watched from now on}
     *
     * @param machine the machine
     * @param node whose pages
     * @param most how many at once, positive
     */
    public static int watch(Machine machine, HomedNode node, int most) {
        int wanted = (int) Math.min(node.unwatched(), Math.min(most, MOST));
        if (wanted == 0) {
            return 0;
        }
        long[] frames = new long[wanted];
        int watched = node.watch(frames);
        if (watched == 0) {
            return 0;
        }
        long[] pages = new long[watched];
        Owner owner = new Owner();
        int n = 0;
        for (int i = 0; i < watched; i++) {
            if (mayBeTold(machine, frames[i], owner)) {
                pages[n++] = node.pageOf(frames[i]);
            }
        }
        Mm mm = owner.mm;
        if (mm != null) {
            mm.mmu().makeIdle(pages, n);
        }
        return watched;
    }

    /** Whose pages they are: homed memory is mapped once. */
    private static final class Owner {
        private @Nullable Mm mm;
    }

    /** Not of pages that somebody holds: a pinned page stays mapped, and whoever moves one has it in hand. */
    private static boolean mayBeTold(Machine machine, long frame, Owner owner) {
        FrameTable frames = machine.frames;
        if (!frames.tryGet(frame)) {
            return false;
        }
        boolean told = false;
        if (frames.tryLock(frame)) {
            told = frames.has(frame, Frames.ANON | Frames.IDLE) && frames.pins(frame) == 0;
            if (told && owner.mm == null) {
                ReverseMap.walk(frames, frame, (area, leaf, page) -> owner.mm = area.mm);
            }
            frames.unlock(frame);
        }
        frames.put(frame);
        return told;
    }
}
