package org.heteromem.policy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.PageRange;
import org.heteromem.core.policy.PlacementPolicy;

/**
 * The prefetcher of NVIDIA's unified memory driver: a 2 MiB block is a binary tree with 64 KiB leaves. A touched leaf is
 * taken whole; then the largest subtree around it of which more than 51 % is, or is about to be, where it is wanted.
 *
 * <pre>
 *                      2 MiB
 *              1 MiB           1 MiB
 *          512 K   512 K   512 K   512 K
 *            ...  64 KiB leaves  ...
 * </pre>
 *
 * The same tree serves both directions: for a CPU fault, pages that are not on the device count as arrived.
 */
final class TreePrefetch implements PlacementPolicy {
    private static final int THRESHOLD_PERCENT = 51;

    @Override
    public String name() {
        return "tree";
    }

    @Override
    public String description() {
        return "64 KiB, growing to the largest subtree of 2 MiB that is more than 51 % there (NVIDIA's prefetcher)";
    }

    @Override
    public List<PageRange> deviceFault(BlockView block, BitSet faulted) {
        BitSet there = new BitSet(Page.PER_BLOCK);
        for (int page = 0; page < Page.PER_BLOCK; page++) {
            there.set(page, block.onDevice(page));
        }
        BitSet wanted = new BitSet(Page.PER_BLOCK);
        for (int page = faulted.nextSetBit(0); page >= 0; page = faulted.nextSetBit(page + 1)) {
            PageRange subtree = expand(there, page);
            wanted.set(subtree.first(), subtree.end());
        }
        List<PageRange> ranges = new ArrayList<>();
        for (int from = wanted.nextSetBit(0); from >= 0; ) {
            int to = wanted.nextClearBit(from);
            ranges.add(new PageRange(from, to - from));
            from = wanted.nextSetBit(to);
        }
        return ranges;
    }

    @Override
    public PageRange cpuFault(BlockView block, int page) {
        BitSet there = new BitSet(Page.PER_BLOCK);
        for (int p = 0; p < Page.PER_BLOCK; p++) {
            there.set(p, !block.onDevice(p));
        }
        return expand(there, page);
    }

    /** The largest subtree around a page that is full enough once the page's leaf is; marks it as arrived. */
    private static PageRange expand(BitSet there, int page) {
        PageRange best = PageRange.around(page, BlockView.SLICE_PAGES);
        there.set(best.first(), best.end());
        for (int size = 2 * BlockView.SLICE_PAGES; size <= Page.PER_BLOCK; size *= 2) {
            PageRange subtree = PageRange.around(page, size);
            int occupied = there.get(subtree.first(), subtree.end()).cardinality();
            if (occupied * 100 > size * THRESHOLD_PERCENT) {
                best = subtree;
            }
        }
        there.set(best.first(), best.end());
        return best;
    }
}
