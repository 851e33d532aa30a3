package org.heteromem.policy;

import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.PageRange;
import org.heteromem.core.policy.PlacementPolicy;

/** Moves aligned blocks of one size to whoever touches a page in them. One page: migration on demand. */
record BlockMigration(String name, String description, int pages) implements PlacementPolicy {
    BlockMigration {
        if (Integer.bitCount(pages) != 1 || pages > Page.PER_BLOCK) {
            throw new IllegalArgumentException(
                    "blocks of " + pages + " pages: a power of two up to " + Page.PER_BLOCK + " is needed");
        }
    }

    @Override
    public List<PageRange> deviceFault(BlockView block, BitSet faulted) {
        Set<PageRange> ranges = new LinkedHashSet<>();
        faulted.stream().forEach(page -> ranges.add(PageRange.around(page, pages)));
        return List.copyOf(ranges);
    }

    @Override
    public PageRange cpuFault(BlockView block, int page) {
        return PageRange.around(page, pages);
    }
}
