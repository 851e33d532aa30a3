package org.heteromem.core;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.mmu.SoftwareMmu;
import org.heteromem.core.mmu.TranslatedMemory;
import org.heteromem.core.space.Mm;
import org.heteromem.core.space.PageTableLeaf;
import org.heteromem.core.space.PteLayout;
import org.heteromem.core.space.Walker;
import org.jspecify.annotations.Nullable;

/**
 * A thread of a process as the memory manager sees it: loads and stores that go through a software MMU and fault like those
 * of a real CPU. One object a thread. Whatever moves meanwhile, no store is lost and no load sees an old value after a new
 * one.
 */
public final class Cpu extends TranslatedMemory implements AutoCloseable {
    private final Mm mm;
    private final FrameTable frames;
    private final SoftwareMmu mmu;
    private final MemoryHold hold;

    Cpu(Mm mm, SoftwareMmu mmu) {
        this.mm = mm;
        this.frames = mm.machine().frames;
        this.mmu = mmu;
        this.hold = mm.face().manager().hold();
        mmu.attach(this);
    }

    @Override
    protected void refill(long address, Access access) {
        long page = Page.of(address);
        boolean write = access == Access.WRITE;
        @Nullable PageTableLeaf leaf = Walker.leaf(mm, page);
        if (leaf != null) {
            long entry = leaf.get(page);
            if (PteLayout.allows(entry, write)) {
                // A page first loaded and later stored to would miss twice; the dirty bit must be set before a store.
                if (Walker.touch(leaf, page, entry, write)) {
                    enter(leaf, page, write);
                }
                return;
            }
        }
        mm.fault(address, access);
    }

    private void enter(PageTableLeaf leaf, long page, boolean write) {
        long entry = leaf.get(page);
        if (!PteLayout.allows(entry, write)) {
            return;
        }
        long frame = PteLayout.frame(entry);
        FrameRange range = frames.find(frame);
        if (range == null) {
            // The page has left that memory since, and the memory the machine.
            return;
        }
        FrameStore store = range.owner.store();
        long offset = range.offset(frame);
        MemorySegment segment = store.segment(offset);
        if (segment == null) {
            throw new IllegalStateException("frame 0x" + Long.toHexString(frame) + " is mapped but not addressable");
        }
        boolean writable = PteLayout.writable(entry) && PteLayout.dirty(entry);
        install(page, segment, offset & (store.chunkBytes() - 1), writable);
        long now = leaf.get(page);
        // Other memory may have come under the same frame numbers, and the page to it.
        if (PteLayout.frame(now) != frame || !PteLayout.allows(now, writable) || frames.find(frame) != range) {
            invalidate(page);
        }
    }

    /** Ends the use of this object; the thread that used it must be done. */
    @Override
    public void close() {
        mmu.detach(this);
        hold.close();
    }
}
