package org.heteromem.proof.world;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.heteromem.core.memory.FrameStore;

/** Bytes of one thread's world: made and closed thousands of times a run, so without what sharing between threads costs. */
final class ProofStore implements FrameStore {
    private static final long ALIGNMENT = 4096;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory;

    ProofStore(long bytes) {
        this.memory = arena.allocate(bytes, ALIGNMENT);
    }

    @Override
    public long byteSize() {
        return memory.byteSize();
    }

    @Override
    public long chunkBytes() {
        return Long.highestOneBit(memory.byteSize() - 1) << 1;
    }

    @Override
    public MemorySegment segment(long offset) {
        return memory;
    }

    @Override
    public void zero(long offset, long bytes) {
        memory.asSlice(offset, bytes).fill((byte) 0);
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        MemorySegment.copy(memory, offset, target, targetOffset, bytes);
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        MemorySegment.copy(source, sourceOffset, memory, offset, bytes);
    }

    @Override
    public void close() {
        arena.close();
    }
}
