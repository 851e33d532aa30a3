package org.heteromem.core.space;

import org.heteromem.core.frame.FrameRange;
import org.jspecify.annotations.Nullable;

/** What a {@link StateAudit} has counted for each frame. Chunks are made where something is counted. */
final class FrameTally {
    private static final int CHUNK_SHIFT = 10;
    private static final int CHUNK = 1 << CHUNK_SHIFT;
    private static final int FIELDS = 4;
    private static final int MAPPED = 0;
    private static final int HELD = 1;
    private static final int PINNED = 2;
    private static final int PLACED = 3;

    private final FrameRange[] ranges;
    private final int[][] @Nullable [] chunks;

    FrameTally(FrameRange[] ranges) {
        this.ranges = ranges;
        this.chunks = new int[ranges.length][][];
        for (int i = 0; i < ranges.length; i++) {
            chunks[i] = new int[(int) ((ranges[i].count + CHUNK - 1) >>> CHUNK_SHIFT)][];
        }
    }

    private int rangeOf(long frame) {
        for (int i = 0; i < ranges.length; i++) {
            if (Long.compareUnsigned(frame - ranges[i].first, ranges[i].count) < 0) {
                return i;
            }
        }
        return -1;
    }

    private boolean add(long frame, int field) {
        int r = rangeOf(frame);
        if (r < 0) {
            return false;
        }
        long index = frame - ranges[r].first;
        int at = (int) (index >>> CHUNK_SHIFT);
        int[] chunk = chunks[r][at];
        if (chunk == null) {
            long left = Math.min(CHUNK, ranges[r].count - ((long) at << CHUNK_SHIFT));
            chunk = new int[(int) left * FIELDS];
            chunks[r][at] = chunk;
        }
        chunk[(int) (index & (CHUNK - 1)) * FIELDS + field]++;
        return true;
    }

    private int get(long frame, int field) {
        int r = rangeOf(frame);
        long index = frame - ranges[r].first;
        int[] chunk = chunks[r][(int) (index >>> CHUNK_SHIFT)];
        return chunk == null ? 0 : chunk[(int) (index & (CHUNK - 1)) * FIELDS + field];
    }

    void map(long frame) {
        add(frame, MAPPED);
    }

    /** {@return false if no memory has the frame} */
    boolean hold(long frame, boolean pin) {
        return add(frame, HELD) && (!pin || add(frame, PINNED));
    }

    /** {@return whether the frame was on no list before} */
    boolean place(long frame) {
        return add(frame, PLACED) && get(frame, PLACED) == 1;
    }

    int mapped(long frame) {
        return get(frame, MAPPED);
    }

    int held(long frame) {
        return get(frame, HELD);
    }

    int pinned(long frame) {
        return get(frame, PINNED);
    }

    boolean placed(long frame) {
        return get(frame, PLACED) > 0;
    }
}
