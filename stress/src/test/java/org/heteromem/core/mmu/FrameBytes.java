package org.heteromem.core.mmu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** Native memory for very many short-lived frames of a few words, handed out in turn. */
final class FrameBytes {
    private static final int FRAMES = 1 << 16;
    private static final long BYTES = 64;
    private static final MemorySegment ALL = Arena.ofAuto().allocate(FRAMES * BYTES, BYTES);
    private static final AtomicInteger NEXT = new AtomicInteger();

    private FrameBytes() {}

    static MemorySegment next() {
        return ALL.asSlice((NEXT.getAndIncrement() & (FRAMES - 1)) * BYTES, BYTES)
                .fill((byte) 0);
    }
}
