package org.heteromem.devices.storage;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongPredicate;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;

/** Pages in memory as they are: a device that pretends, for tests and for memory that is slower than RAM. Thread-safe. */
public final class RamStore implements PageStore {
    private static final int CHUNK_SHIFT = 24;
    private static final long CHUNK_BYTES = 1L << CHUNK_SHIFT;

    private final String name;
    private final MemorySegment memory;
    private final MemorySegment[] chunks;
    /** A bit for each page that holds contents. */
    private final AtomicLongArray held;

    private final AtomicLong pages = new AtomicLong();

    /**
     * Makes a store.
     *
     * @param name its name
     * @param bytes its size, a positive multiple of the page size
     * @param port where its memory comes from
     */
    public RamStore(String name, long bytes, StoreMemory port) {
        this.name = name;
        this.memory = port.memory(name + ".pages", bytes);
        this.chunks = new MemorySegment[Math.toIntExact((bytes + CHUNK_BYTES - 1) >>> CHUNK_SHIFT)];
        for (int i = 0; i < chunks.length; i++) {
            long from = (long) i << CHUNK_SHIFT;
            chunks[i] = memory.asSlice(from, Math.min(CHUNK_BYTES, bytes - from));
        }
        this.held = new AtomicLongArray((int) ((Page.of(bytes) + Long.SIZE - 1) / Long.SIZE));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return name + ": " + byteSize() + " bytes of memory, pages as they are";
    }

    @Override
    public long byteSize() {
        return memory.byteSize();
    }

    @Override
    public long chunkBytes() {
        return CHUNK_BYTES;
    }

    @Override
    public MemorySegment segment(long offset) {
        return chunks[(int) (offset >>> CHUNK_SHIFT)];
    }

    private void hold(long offset, long bytes) {
        long end = Page.of(offset + bytes);
        for (long page = Page.of(offset); page < end; ) {
            long stop = Words.stop(page, end);
            long bits = Words.bits(page, stop);
            int fresh = Long.bitCount(bits & ~setBits((int) (page >>> 6), bits));
            if (fresh != 0) {
                pages.addAndGet(fresh);
            }
            page = stop;
        }
    }

    /** {@return what the word was} */
    private long setBits(int word, long bits) {
        for (; ; ) {
            long old = held.get(word);
            if (held.weakCompareAndSetVolatile(word, old, old | bits)) {
                return old;
            }
        }
    }

    @Override
    public void zero(long offset, long bytes) {
        memory.asSlice(offset, bytes).fill((byte) 0);
        hold(offset, bytes);
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        MemorySegment.copy(memory, offset, target, targetOffset, bytes);
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        MemorySegment.copy(source, sourceOffset, memory, offset, bytes);
        hold(offset, bytes);
    }

    /** Straight into the memory, also from where it can only be read: no buffer in between. */
    @Override
    public void copyFrom(long offset, FrameStore from, long fromOffset, long bytes) {
        from.read(fromOffset, memory, offset, bytes);
        hold(offset, bytes);
    }

    @Override
    public void discard(long offset, long bytes) {
        long end = Page.of(offset + bytes);
        for (long page = Page.of(offset); page < end; ) {
            long stop = Words.stop(page, end);
            long bits = Words.bits(page, stop);
            int gone = Long.bitCount(held.getAndUpdate((int) (page >>> 6), word -> word & ~bits) & bits);
            if (gone != 0) {
                pages.addAndGet(-gone);
            }
            page = stop;
        }
    }

    @Override
    public boolean holds(long offset) {
        long page = Page.of(offset);
        return (held.get((int) (page >>> 6)) & 1L << page) != 0;
    }

    @Override
    public long bytesUsed() {
        return pages.get() * Page.SIZE;
    }

    @Override
    public long capacityBytes() {
        return byteSize();
    }

    @Override
    public long recover(LongPredicate used) {
        for (long page = 0; page < Page.of(byteSize()); page++) {
            if (used.test(page)) {
                hold(Page.address(page), Page.SIZE);
            }
        }
        return pages.get();
    }

    /** The memory belongs to whoever gave it. */
    @Override
    public void close() {}
}
