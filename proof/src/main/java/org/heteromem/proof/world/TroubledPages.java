package org.heteromem.proof.world;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongPredicate;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.devices.storage.PageStore;
import org.jspecify.annotations.Nullable;

/** A real store, of which single pages fail by chance; the pages before them are stored, as in a real one. */
final class TroubledPages implements PageStore {
    private final PageStore inner;
    private final Trouble trouble;

    TroubledPages(PageStore inner, Trouble trouble) {
        this.inner = inner;
        this.trouble = trouble;
    }

    @Override
    public String name() {
        return inner.name();
    }

    @Override
    public String description() {
        return inner.description();
    }

    @Override
    public long byteSize() {
        return inner.byteSize();
    }

    @Override
    public long chunkBytes() {
        return inner.chunkBytes();
    }

    @Override
    public @Nullable MemorySegment segment(long offset) {
        // What is read and written behind its back cannot fail.
        return trouble.possible() ? null : inner.segment(offset);
    }

    @Override
    public void zero(long offset, long bytes) {
        inner.zero(offset, bytes);
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        for (long done = 0; trouble.possible() && done < bytes; done += Page.SIZE) {
            trouble.beforeReading(this, offset + done);
        }
        inner.read(offset, target, targetOffset, bytes);
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        if (!trouble.possible()) {
            inner.write(offset, source, sourceOffset, bytes);
            return;
        }
        for (long done = 0; done < bytes; done += Page.SIZE) {
            trouble.beforeStoring(this, offset + done);
            inner.write(offset + done, source, sourceOffset + done, Page.SIZE);
        }
    }

    @Override
    public void copyFrom(long offset, FrameStore from, long fromOffset, long bytes) {
        if (trouble.possible()) {
            PageStore.super.copyFrom(offset, from, fromOffset, bytes);
        } else {
            inner.copyFrom(offset, from, fromOffset, bytes);
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
    public List<String> audit() {
        return inner.audit();
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
