package org.heteromem.core.memory;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The port to the bytes behind a range of frames. A store knows offsets only; which frame lies at which offset is the
 * core's business. Stores are safe for concurrent use on disjoint bytes; the core never copies from or to bytes that it
 * hands to someone else at the same time.
 */
public interface FrameStore extends AutoCloseable {
    /** {@return the size in bytes, a multiple of the page size} */
    long byteSize();

    /**
     * {@return the size of the chunks in which {@link #segment} gives out memory: a power of two, at least a page}
     */
    long chunkBytes();

    /**
     * The chunk of directly addressable memory that holds an offset; its first byte lies at the offset rounded down to
     * {@link #chunkBytes}. Kernel counterpart: the linear map.
     *
     * @param offset a byte offset in the store
     * @return the chunk, or null where this store cannot be addressed by loads and stores (compressed, far, none)
     */
    @Nullable
    MemorySegment segment(long offset);

    /**
     * Fills a range with zeros.
     *
     * @param offset byte offset
     * @param bytes length
     */
    void zero(long offset, long bytes);

    /**
     * Copies bytes out of this store.
     *
     * @param offset byte offset in this store
     * @param target where they go
     * @param targetOffset offset in {@code target}
     * @param bytes length
     */
    void read(long offset, MemorySegment target, long targetOffset, long bytes);

    /**
     * Copies bytes into this store.
     *
     * @param offset byte offset in this store
     * @param source where they come from
     * @param sourceOffset offset in {@code source}
     * @param bytes length
     */
    void write(long offset, MemorySegment source, long sourceOffset, long bytes);

    /**
     * Copies bytes from another store into this one, directly where one of the two is addressable: a store that keeps books
     * of what is written, and gives out its memory, has to do it here too.
     *
     * @param offset byte offset in this store
     * @param from the other store
     * @param fromOffset byte offset in {@code from}
     * @param bytes length; must stay within one chunk of either store
     */
    default void copyFrom(long offset, FrameStore from, long fromOffset, long bytes) {
        MemorySegment source = from.segment(fromOffset);
        if (source != null) {
            write(offset, source, fromOffset & (from.chunkBytes() - 1), bytes);
            return;
        }
        MemorySegment target = segment(offset);
        if (target != null) {
            from.read(fromOffset, target, offset & (chunkBytes() - 1), bytes);
            return;
        }
        byte[] bounce = new byte[Math.toIntExact(bytes)];
        MemorySegment middle = MemorySegment.ofArray(bounce);
        from.read(fromOffset, middle, 0, bytes);
        write(offset, middle, 0, bytes);
    }

    /** Releases the memory; no access may be under way or follow. */
    @Override
    void close();
}
