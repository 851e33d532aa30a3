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
        for (long page = from; page < to; page++) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                page = PageTable.leafEnd(page) - 1;
                continue;
            }
            leaf.lock.lock();
            try {
                long entry = leaf.get(page);
                if (PteLayout.kind(entry) == PteLayout.PRESENT
                        && mm.machine().frames.range(PteLayout.frame(entry)).owner instanceof HomedNode node) {
                    node.lruLeaveBehind(PteLayout.frame(entry));
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }
}
