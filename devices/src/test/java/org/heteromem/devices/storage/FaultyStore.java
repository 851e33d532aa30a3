package org.heteromem.devices.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.function.LongPredicate;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/** A store of which chosen pages fail; as a real one does, with the pages before them stored. */
final class FaultyStore implements PageStore {
    final BitSet full = new BitSet();
    final BitSet unwritable = new BitSet();
    final BitSet unreadable = new BitSet();
    final BitSet corrupt = new BitSet();
    /** Runs in who writes, before anything is written. */
    volatile Runnable beforeWrite = () -> {};

    private final PageStore inner;

    FaultyStore(PageStore inner) {
        this.inner = inner;
    }

    @Override
    public String name() {
        return inner.name();
    }

    @Override
    public String description() {
        return inner.description() + ", with faults";
    }

    @Override
    public long byteSize() {
        return inner.byteSize();
    }

    @Override
    public long chunkBytes() {
        return Staging.BYTES;
    }

    @Override
    public @Nullable MemorySegment segment(long offset) {
        return null;
    }

    @Override
    public void zero(long offset, long bytes) {
        inner.zero(offset, bytes);
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        for (long done = 0; done < bytes; done += Page.SIZE) {
            int page = (int) Page.of(offset + done);
            if (corrupt.get(page)) {
                throw new CorruptPageException(name(), offset + done, "so the test wants it");
            }
            if (unreadable.get(page)) {
                throw new StorageIoException(name(), offset + done, "so the test wants it", new IOException("EIO"));
            }
            inner.read(offset + done, target, targetOffset + done, Page.SIZE);
        }
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        beforeWrite.run();
        for (long done = 0; done < bytes; done += Page.SIZE) {
            int page = (int) Page.of(offset + done);
            if (full.get(page)) {
                throw new StorageFullException(name(), offset + done, bytesUsed(), capacityBytes());
            }
            if (unwritable.get(page)) {
                throw new StorageIoException(name(), offset + done, "so the test wants it", new IOException("EIO"));
            }
            inner.write(offset + done, source, sourceOffset + done, Page.SIZE);
        }
    }

    @Override
    public void discard(long offset, long bytes) {
        inner.discard(offset, bytes);
    }

    @Override
    public boolean holds(long offset) {
        return inner.holds(offset);
    }

    @Override
    public long bytesUsed() {
        return inner.bytesUsed();
    }

    @Override
    public long capacityBytes() {
        return inner.capacityBytes();
    }

    @Override
    public long recover(LongPredicate used) {
        return inner.recover(used);
    }

    @Override
    public void close() {
        inner.close();
    }
}
