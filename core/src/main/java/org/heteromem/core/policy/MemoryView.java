package org.heteromem.core.policy;

/**
 * How full a memory is.
 *
 * @param name the name of the node or device
 * @param frames how many pages it can hold
 * @param freeFrames how many more it can take now
 */
public record MemoryView(String name, long frames, long freeFrames) {}
