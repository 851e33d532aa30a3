package org.heteromem.core.memory;

/**
 * RAM whose frames are at home with a range of addresses: the page at an address can live in one frame only, the one whose
 * bytes lie at the same distance from the start of the store as the page from the start of the range. A frame is taken by a
 * charge against a {@link FrameBudget}.
 *
 * <p>This is the RAM of a live process: the store is the file behind a shared mapping, and the kernel has already decided
 * which byte of the file an address means. There is no shared zero page, no fork, no remap and no change of protection
 * for such memory. Thread-safe.
 */
public interface HomedMemory extends MemoryNode {
    /** {@return its name in messages, events and the resource map} */
    String name();

    /** {@return what its frames are charged to} */
    FrameBudget budget();

    /** {@return the bytes} */
    FrameStore store();

    /** {@return the page number that lives in the first frame, or -1 while nothing is mapped} */
    long firstPage();

    /**
     * {@return whether a frame belongs to it}
     *
     * @param frame a frame number
     */
    default boolean contains(long frame) {
        return Long.compareUnsigned(frame - firstFrame(), frames()) < 0;
    }

    /**
     * {@return the page that lives in a frame}
     *
     * @param frame a frame of this memory
     */
    default long pageOf(long frame) {
        return firstPage() + (frame - firstFrame());
    }
}
