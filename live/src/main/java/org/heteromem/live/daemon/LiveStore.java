package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a region: the client's memfd. Read by a mapping of this process, which cannot write: for whole batches that
 * costs half of what {@code pread} does. Written only by placing pages in the client, for which {@link Placements} keeps
 * them until {@link LiveMmu#relocate}.
 */
final class LiveStore implements FrameStore {
    /** A transfer stays within this: the largest migration home. */
    private static final long CHUNK_BYTES = (long) Placements.SLOTS * Page.SIZE;

    private final Memfd memory;
    private final long byteSize;
    private final @Nullable Mapping mapping;
    private final Placements placements;

    LiveStore(Memfd memory, long byteSize, Placements placements) {
        this.memory = memory;
        this.byteSize = byteSize;
        this.mapping = map(memory, byteSize);
        this.placements = placements;
    }

    private static @Nullable Mapping map(Memfd memory, long bytes) {
        try {
            Mapping mapping = Mapping.readOnly(memory, 0, bytes);
            mapping.refuseHugePages();
            // What is read is about to be dropped: nothing is gained by telling the kernel's reclaim that it was used.
            mapping.advise(Mapping.Advice.RANDOM);
            return mapping;
        } catch (NativeException e) {
            // This process has no room for more mappings: reading by calls is slower, and all that is lost.
            return null;
        }
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

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        if (mapping != null) {
            try {
                MemorySegment.copy(mapping.segment(), offset, target, targetOffset, bytes);
                return;
            } catch (InternalError e) {
                // Thrown for a page that the kernel cannot bring. The call below says why it cannot.
            }
        }
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
        if (mapping != null) {
            mapping.close();
        }
    }
}
