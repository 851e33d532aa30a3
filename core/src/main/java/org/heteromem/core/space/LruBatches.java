package org.heteromem.core.space;

import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.LruNode;
import org.jspecify.annotations.Nullable;

/**
 * Holds the LRU lock over all frames of a migration that lie together, instead of once for each. Not thread-safe; used again
 * and again by its migration.
 */
final class LruBatches {
    private final FrameTable frames;
    private @Nullable LruNode held;

    LruBatches(FrameTable frames) {
        this.frames = frames;
    }

    /** {@return the node of a frame, whose LRU lock is held until {@link #end} or the next node; null for device memory} */
    @Nullable
    LruNode of(long frame) {
        if (!(frames.range(frame).owner instanceof LruNode node)) {
            return null;
        }
        if (node != held) {
            end();
            node.beginLruBatch();
            held = node;
        }
        return node;
    }

    /** Lets go of the lock. */
    void end() {
        LruNode node = held;
        if (node != null) {
            held = null;
            node.endLruBatch();
        }
    }
}
