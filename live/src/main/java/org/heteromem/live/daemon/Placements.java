package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLongArray;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.live.natives.Mapping;

/**
 * Contents of pages that are on their way home. The core copies a page before it commits the move, but placing a page in a
 * live process makes it visible at once and so is the commit itself: the copy is kept here until then. Contents that lie in
 * addressable memory of a device are not even copied; their frame is not freed before the move has ended.
 *
 * <p>A slot belongs to a page by its number, so neighbouring pages lie in neighbouring slots and are placed by one call. A
 * migration home stays within one aligned block of {@link #SLOTS} pages. There are several slots of a number, for those who
 * bring pages home at once: some of them may wait for a disk meanwhile, and those who serve faults must not wait for that.
 * Thread-safe; only if other pages have all slots of the number, one is waited for. As all claim in ascending order, nobody
 * waits in a circle.
 */
final class Placements implements AutoCloseable {
    /** Most pages on their way at once, and most pages in one migration home. */
    static final int SLOTS = 512;

    /** Slots of the same number: for the fault pump, those who move in bulk, the threads of a device that computes. */
    static final int BANKS = Movers.MOST + 1 + 4;

    private static final int MASK = SLOTS - 1;
    private static final long FREE = 0;

    private final long base;
    private final Mapping staging = Mapping.anonymous((long) BANKS * SLOTS * Page.SIZE);
    /** The page that has the slot, plus one. */
    private final AtomicLongArray pages = new AtomicLongArray(BANKS * SLOTS);
    /** Where its contents are. */
    private final long[] addresses = new long[BANKS * SLOTS];

    /**
     * For the pages of one region.
     *
     * @param firstPage number in the address space of the region's first page; blocks are aligned there
     */
    Placements(long firstPage) {
        this.base = firstPage;
    }

    /** {@return the page's slot, or below zero if it has none} */
    private int find(long page) {
        int slot = (int) (base + page) & MASK;
        for (int bank = 0; bank < BANKS; bank++, slot += SLOTS) {
            if (pages.get(slot) == page + 1) {
                return slot;
            }
        }
        return -1;
    }

    private int claim(long page) {
        for (; ; Thread.onSpinWait()) {
            int free = -1;
            int slot = (int) (base + page) & MASK;
            for (int bank = 0; bank < BANKS; bank++, slot += SLOTS) {
                long has = pages.get(slot);
                if (has == page + 1) {
                    return slot;
                }
                free = has == FREE && free < 0 ? slot : free;
            }
            if (free >= 0 && pages.compareAndSet(free, FREE, page + 1)) {
                return free;
            }
        }
    }

    /** Takes contents from a store: a copy, unless they can be read where they are. */
    void take(long page, FrameStore from, long offset, long bytes) {
        MemorySegment there = from.segment(offset);
        long at = offset & (from.chunkBytes() - 1);
        long count = Page.of(bytes);
        if (there != null && there.isNative()) {
            for (long i = 0; i < count; i++) {
                addresses[claim(page + i)] = there.address() + at + Page.address(i);
            }
            return;
        }
        for (long i = 0; i < count; ) {
            int slot = claim(page + i);
            long run = 1;
            // A slot in another bank begins the next run.
            while (i + run < count && ((slot + run) & MASK) != 0 && claim(page + i + run) == slot + run) {
                run++;
            }
            try {
                from.read(offset + Page.address(i), staging.segment(), Page.address(slot), Page.address(run));
            } catch (RuntimeException e) {
                for (long j = 0; j < count; j++) {
                    forget(page + j);
                }
                throw e;
            }
            for (int j = 0; j < run; j++) {
                addresses[slot + j] = staging.address() + Page.address(slot + j);
            }
            i += run;
        }
    }

    /** Takes a copy of contents. */
    void take(long page, MemorySegment from, long offset, long bytes) {
        for (long i = 0; i < Page.of(bytes); i++) {
            int slot = claim(page + i);
            MemorySegment.copy(from, offset + Page.address(i), staging.segment(), Page.address(slot), Page.SIZE);
            addresses[slot] = staging.address() + Page.address(slot);
        }
    }

    /** {@return where a page's contents are, or 0 if none are on their way} */
    long address(long page) {
        int slot = find(page);
        return slot >= 0 ? addresses[slot] : 0;
    }

    /** The page has been placed, or does not move after all. */
    void forget(long page) {
        int slot = find(page);
        if (slot >= 0) {
            pages.compareAndSet(slot, page + 1, FREE);
        }
    }

    @Override
    public void close() {
        staging.close();
    }
}
