package org.heteromem.core.frame;

/** The port through which frames of RAM are handed out (Linux: the buddy allocator's face towards mm). */
public interface FrameAllocator {
    /**
     * Hands out a frame with one reference.
     *
     * @param flags initial flags of {@link Frames}
     * @return the frame's number, or -1 if none is free
     */
    long allocate(int flags);
}
