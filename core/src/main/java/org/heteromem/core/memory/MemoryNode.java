package org.heteromem.core.memory;

/** A node of system RAM (Linux: pgdat): a range of frames with its own free list and LRU. Thread-safe; figures are a moment's view. */
public interface MemoryNode {
    /** {@return the node number, from 0} */
    int id();

    /** {@return the number of its first frame} */
    long firstFrame();

    /** {@return how many frames it has} */
    long frames();

    /** {@return how many of them are free} */
    long freeFrames();

    /** {@return how many pages are on its LRU lists} */
    long lruPages();
}
