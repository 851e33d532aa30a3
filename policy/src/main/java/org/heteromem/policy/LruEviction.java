package org.heteromem.policy;

import java.util.Comparator;
import java.util.List;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.EvictionPolicy;

/** Evicts the block that comes first in some order of age. */
record LruEviction(String name, String description, Comparator<BlockView> order) implements EvictionPolicy {
    @Override
    public BlockView victim(List<BlockView> candidates) {
        BlockView oldest = candidates.getFirst();
        for (BlockView candidate : candidates) {
            if (order.compare(candidate, oldest) < 0) {
                oldest = candidate;
            }
        }
        return oldest;
    }
}
