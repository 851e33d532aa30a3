package org.heteromem.core.frame;

import org.jspecify.annotations.Nullable;

/** Metadata of up to 4096 consecutive frames. */
final class Section {
    final FrameRange range;
    final long first;
    final int frames;
    final long[] words;
    final @Nullable Object[] anchors;
    /** For each frame the device's frame that holds a copy, or 0; made when the first is kept. */
    private volatile long @Nullable [] copies;

    Section(FrameRange range, long first) {
        this.range = range;
        this.first = first;
        this.frames = (int) Math.min(FrameRange.SECTION_FRAMES, range.first + range.count - first);
        this.words = new long[frames * Frames.WORDS];
        this.anchors = new Object[frames];
    }

    /** {@return where copies are noted, or null if none ever was} */
    long @Nullable [] copiesIfAny() {
        return copies;
    }

    long[] copies() {
        long[] now = copies;
        if (now == null) {
            synchronized (this) {
                now = copies;
                if (now == null) {
                    now = new long[frames];
                    copies = now;
                }
            }
        }
        return now;
    }

    boolean contains(long frame) {
        return Long.compareUnsigned(frame - first, frames) < 0;
    }

    int word(long frame, int which) {
        return (int) (frame - first) * Frames.WORDS + which;
    }
}
