package org.heteromem.core.frame;

import org.heteromem.core.memory.FrameStore;

/** Who a range of frames belongs to: a node of RAM or a device. */
public interface FrameOwner {
    /** {@return the name for messages} */
    String name();

    /** {@return the bytes behind the frames} */
    FrameStore store();

    /** {@return whether a CPU page table may map these frames} */
    boolean cpuAddressable();

    /** {@return whether the frames are device memory (zone device)} */
    boolean isDevice();

    /** {@return frames in use} */
    long framesInUse();

    /**
     * The last reference to a frame is gone. Called without any page-table lock.
     *
     * @param frame the frame's number
     */
    void lastReferenceGone(long frame);

    /**
     * The last references to some frames are gone. Called without any page-table lock. What those throw who are woken is thrown
     * when all frames have gone back.
     *
     * @param frames the frames' numbers, from the start; may be overwritten
     * @param count how many
     */
    default void lastReferencesGone(long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            lastReferenceGone(frames[i]);
        }
    }
}
