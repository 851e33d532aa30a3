package org.heteromem.core.space;

import org.heteromem.core.frame.HomedNode;

/** Makes pages that a sequential reader has gone past the first to leave homed memory. */
public final class DropBehind {
    private DropBehind() {}

    /**
     * Looks at the pages of a range that are there. With the address space locked for reading.
     *
     * @param mm whose pages
     * @param from the first
     * @param to the one after the last, in the same area
     */
    @SuppressWarnings("exports") // only the core can call it
    public static void run(Mm mm, long from, long to) {
        for (long page = from; page < to; ) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            long end = Math.min(to, PageTable.leafEnd(page));
            if (leaf != null && !run(mm, leaf, page, end)) {
                return;
            }
            page = end;
        }
    }

    /** {@return false if the policy does not want it} */
    private static boolean run(Mm mm, PageTableLeaf leaf, long from, long to) {
        leaf.lock.lock();
        try {
            for (long page = from; page < to; page++) {
                long entry = leaf.get(page);
                if (PteLayout.kind(entry) == PteLayout.PRESENT
                        && mm.machine().frames.range(PteLayout.frame(entry)).owner instanceof HomedNode node) {
                    if (!node.dropsBehind()) {
                        return false;
                    }
                    node.lruLeaveBehind(PteLayout.frame(entry));
                }
            }
            return true;
        } finally {
            leaf.lock.unlock();
        }
    }
}
