package org.heteromem.core.policy;

import org.heteromem.core.memory.MemoryNode;

/**
 * Who makes room when RAM is short (Linux: direct reclaim). Called by the thread that needs a frame, without any lock of
 * the core, possibly by several threads at once.
 */
@FunctionalInterface
public interface PressureHandler {
    /**
     * Tries to free frames of a node, by moving pages elsewhere.
     *
     * @param node the node that is short
     * @param frames how many frames are wanted at least
     * @return how many were freed; 0 makes the allocation fail, unless a frame is free by then
     */
    long relieve(MemoryNode node, long frames);

    /**
     * Tries to free frames of a node for a certain use; by default whatever the use.
     *
     * @param demand what the frames are for
     * @param node the node that is short
     * @param frames how many frames are wanted at least
     * @return how many were freed; 0 makes the allocation fail, unless a frame is free by then
     */
    default long relieve(FrameDemand demand, MemoryNode node, long frames) {
        return relieve(node, frames);
    }

    /**
     * {@return how many of a node's last frames only pages that move may take, so that pages can be exchanged between full
     * memories}
     *
     * @param node a node of RAM
     */
    default long reserve(MemoryNode node) {
        return 0;
    }
}
