package org.heteromem.core.frame;

import org.jspecify.annotations.Nullable;

/** Metadata of up to 4096 consecutive frames. */
final class Section {
    final FrameRange range;
    final long first;
    final int frames;
    final long[] words;
    final @Nullable Object[] anchors;

    Section(FrameRange range, long first) {
        this.range = range;
        this.first = first;
        this.frames = (int) Math.min(FrameRange.SECTION_FRAMES, range.first + range.count - first);
        this.words = new long[frames * Frames.WORDS];
        this.anchors = new Object[frames];
    }

    boolean contains(long frame) {
        return Long.compareUnsigned(frame - first, frames) < 0;
    }

    int word(long frame, int which) {
        return (int) (frame - first) * Frames.WORDS + which;
    }
}
