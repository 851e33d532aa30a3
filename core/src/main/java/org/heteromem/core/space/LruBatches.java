package org.heteromem.core.space;

import java.util.function.IntToLongFunction;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.LruNode;
import org.jspecify.annotations.Nullable;

/** Goes over frames that may be on an LRU, taking each node's LRU lock once for all that lie together. */
final class LruBatches {
    /** Something to do with one of them. */
    @FunctionalInterface
    interface Step {
        /** Does it, under the node's LRU lock; the node is null for device memory. */
        void apply(@Nullable LruNode node, int i, long frame);
    }

    private LruBatches() {}

    /**
     * Does a step for each.
     *
     * @param frames whose frames
     * @param count how many numbers, from 0 on
     * @param frameOf the frame of a number, or 0 to pass it over
     * @param step what to do
     */
    static void over(FrameTable frames, int count, IntToLongFunction frameOf, Step step) {
        LruNode held = null;
        try {
            for (int i = 0; i < count; i++) {
                long frame = frameOf.applyAsLong(i);
                if (frame == 0) {
                    continue;
                }
                LruNode node = frames.range(frame).owner instanceof LruNode ram ? ram : null;
                if (node != held && node != null) {
                    if (held != null) {
                        held.endLruBatch();
                    }
                    held = null;
                    node.beginLruBatch();
                    held = node;
                }
                step.apply(node, i, frame);
            }
        } finally {
            if (held != null) {
                held.endLruBatch();
            }
        }
    }
}
