package org.heteromem.core.space;

import java.util.Arrays;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.policy.PageList;

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
        if (node instanceof HomedNode homed) {
            return new ByPolicy(machine, homed, wanted, false).find();
        }
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
                if (cold(machine, seen[i], false)) {
                    found[n++] = seen[i];
                }
            }
        }
        return Arrays.copyOf(found, n);
    }

    /**
     * {@return pages of homed memory that are watched and, as far as is known and counts, were not used since, and pages that
     * were left behind; at most as many as wanted}
     *
     * @param machine the machine
     * @param node whose pages
     * @param wanted how many, positive
     */
    public static long[] findIdle(Machine machine, HomedNode node, int wanted) {
        return new ByPolicy(machine, node, wanted, true).find();
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
                    && (byAgeAlone
                            // The one reference more is ours: who holds another would not let it move.
                            ? frames.references(frame) == frames.mappings(frame) + 1
                            : ReverseMap.referenced(machine, frame) == 0);
            frames.unlock(frame);
        }
        frames.put(frame);
        return cold;
    }

    /**
     * One look at homed memory: what a sequential reader has left behind, then the policy says from which list, and age says
     * which pages.
     */
    private static final class ByPolicy {
        private final Machine machine;
        private final HomedNode node;
        private final boolean idle;
        private final long[] found;
        private final long[] seen = new long[BATCH];
        /** What was not looked at yet: once is enough, as another look would find the same. */
        private long activeLeft;

        private long inactiveLeft;
        private int n;

        ByPolicy(Machine machine, HomedNode node, int wanted, boolean idle) {
            this.machine = machine;
            this.node = node;
            this.idle = idle;
            this.found = new long[wanted];
            this.activeLeft = idle ? node.watchedPages(PageList.ACTIVE) : node.lruPages(PageList.ACTIVE);
            this.inactiveLeft = idle ? node.watchedPages(PageList.INACTIVE) : node.lruPages(PageList.INACTIVE);
        }

        long[] find() {
            node.requirePolicy();
            look(PageList.BEHIND, node.lruPages(PageList.BEHIND), found.length);
            if (n < found.length) {
                activeLeft -= look(PageList.ACTIVE, activeLeft, n + node.activeVictims(found.length - n));
            }
            inactiveLeft -= look(PageList.INACTIVE, inactiveLeft, found.length);
            if (!idle) {
                activeLeft -= look(PageList.ACTIVE, activeLeft, found.length);
            }
            return Arrays.copyOf(found, n);
        }

        /** Takes pages until so many are found; returns how many it looked at. */
        private long look(PageList list, long most, int until) {
            long looked = 0;
            while (n < until && looked < most) {
                int scanned = node.lruScan(list, seen, (int) Math.min(Math.min(BATCH, until - n), most - looked));
                if (scanned == 0) {
                    break;
                }
                looked += scanned;
                for (int i = 0; i < scanned; i++) {
                    if (cold(machine, seen[i], true)) {
                        found[n++] = seen[i];
                    } else if (list == PageList.BEHIND) {
                        node.lruKeep(seen[i]);
                    }
                }
            }
            return looked;
        }
    }
}
