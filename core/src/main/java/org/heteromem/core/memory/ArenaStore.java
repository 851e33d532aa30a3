package org.heteromem.core.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Frames in ordinary off-heap memory. Chunks are taken from the operating system when they are first used, so a large
 * store that is used little costs little. Thread-safe.
 */
public final class ArenaStore implements FrameStore {
    private static final VarHandle CHUNK = MethodHandles.arrayElementVarHandle(MemorySegment[].class);
    private static final int CHUNK_SHIFT = 24;
    private static final long CHUNK_BYTES = 1L << CHUNK_SHIFT;
    private static final long ALIGNMENT = 4096;

    private final Arena arena = Arena.ofShared();
    private final long byteSize;
    private final MemorySegment[] chunks;

    /**
     * Makes a store.
     *
     * @param byteSize its size in bytes, positive
     */
    public ArenaStore(long byteSize) {
        if (byteSize <= 0) {
            throw new IllegalArgumentException("a frame store needs a positive size, not " + byteSize + " bytes");
        }
        this.byteSize = byteSize;
        this.chunks = new MemorySegment[Math.toIntExact((byteSize + CHUNK_BYTES - 1) >>> CHUNK_SHIFT)];
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public long chunkBytes() {
        return CHUNK_BYTES;
    }

    @Override
    public MemorySegment segment(long offset) {
        MemorySegment chunk = (MemorySegment) CHUNK.getAcquire(chunks, (int) (offset >>> CHUNK_SHIFT));
        return chunk != null ? chunk : allocate((int) (offset >>> CHUNK_SHIFT));
    }

    private synchronized MemorySegment allocate(int index) {
        MemorySegment chunk = (MemorySegment) CHUNK.getAcquire(chunks, index);
        if (chunk == null) {
            long bytes = Math.min(CHUNK_BYTES, byteSize - ((long) index << CHUNK_SHIFT));
            chunk = arena.allocate(bytes, ALIGNMENT);
            CHUNK.setRelease(chunks, index, chunk);
        }
        return chunk;
    }

    @Override
    public void zero(long offset, long bytes) {
        segment(offset).asSlice(offset & (CHUNK_BYTES - 1), bytes).fill((byte) 0);
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        MemorySegment.copy(segment(offset), offset & (CHUNK_BYTES - 1), target, targetOffset, bytes);
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        MemorySegment.copy(source, sourceOffset, segment(offset), offset & (CHUNK_BYTES - 1), bytes);
    }

    @Override
    public void close() {
        arena.close();
    }
}
