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
     * @return how many were freed; 0 makes the allocation fail
     */
    long relieve(MemoryNode node, long frames);
}
