package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.live.natives.Memfd;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a region: the client's memfd. Read by the file, so that nothing of it is mapped here; written only by
 * placing pages in the client, for which {@link Placements} keeps them until {@link LiveMmu#relocate}.
 */
final class LiveStore implements FrameStore {
    /** A transfer stays within this: the largest migration home. */
    private static final long CHUNK_BYTES = (long) Placements.SLOTS * Page.SIZE;

    private final Memfd memory;
    private final long byteSize;
    private final Placements placements;

    LiveStore(Memfd memory, long byteSize, Placements placements) {
        this.memory = memory;
        this.byteSize = byteSize;
        this.placements = placements;
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
    public @Nullable MemorySegment segment(long offset) {
        return null;
    }

    @Override
    public void zero(long offset, long bytes) {
        // A frame that nobody has is a hole of the file, and a hole is zeros.
    }

    /**
     * By a call. A mapping would be a little quicker, but of a page that the kernel cannot bring there the virtual machine
     * tells only after the copy has gone on without it.
     */
    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        memory.read(offset, target.asSlice(targetOffset, bytes));
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        placements.take(Page.of(offset), source, sourceOffset, bytes);
    }

    @Override
    public void copyFrom(long offset, FrameStore from, long fromOffset, long bytes) {
        placements.take(Page.of(offset), from, fromOffset, bytes);
    }

    @Override
    public void close() {
        placements.close();
    }
}
