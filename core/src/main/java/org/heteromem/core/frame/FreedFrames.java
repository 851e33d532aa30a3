package org.heteromem.core.frame;

import org.jspecify.annotations.Nullable;

/**
 * Frames whose last references one thread has put, and that go back to their owner some at a time (Linux: folio_batch,
 * free_unref_folios): counts that all threads share are changed once for all of them. Until {@link #giveBack} they are nobody's.
 * Not thread-safe.
 */
public final class FreedFrames {
    /** As many as one who waits for the first of them can be made to wait for. */
    private static final int MOST = 64;

    private final long[] frames = new long[MOST];
    private int count;
    private @Nullable FrameOwner owner;

    void add(FrameOwner of, long frame) {
        try {
            if (of != owner || count == MOST) {
                giveBack();
            }
        } finally {
            owner = of;
            frames[count++] = frame;
        }
    }

    /** Gives back what is left; what is thrown by who was woken comes after all have been given back. */
    public void giveBack() {
        FrameOwner of = owner;
        int n = count;
        owner = null;
        count = 0;
        if (of != null) {
            of.lastReferencesGone(frames, n);
        }
    }
}
