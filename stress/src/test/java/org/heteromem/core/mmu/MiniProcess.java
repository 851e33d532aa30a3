package org.heteromem.core.mmu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.Access;
import org.heteromem.core.Page;

/**
 * A process of one page on a machine of two frames: a page-table entry, threads with the product's translation caches, and
 * a migrator that follows the product's order of steps. The frame that the page left is filled with {@link #JUNK}, as by its
 * next owner. A {@link Fault} leaves one step out.
 */
final class MiniProcess {
    /** The step that is left out on purpose. */
    enum Fault {
        NONE,
        /** The store's full fence between publishing the page and looking at the tag. */
        STORE_HAS_NO_FENCE,
        /** The second look at the tag, after the value was read. */
        LOAD_DOES_NOT_LOOK_AGAIN,
        /** The look at the page table after the tag was written. */
        FILL_DOES_NOT_LOOK_AGAIN,
        /** The full fence between writing the tag and that look. */
        FILL_HAS_NO_FENCE,
        /** The wait for stores under way. */
        SHOOT_DOWN_DOES_NOT_WAIT
    }

    static final long PAGE = 5;
    static final long ADDRESS = Page.address(PAGE);
    static final long JUNK = 0x7777;
    private static final int NOWHERE = -1;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Fault fault;
    private final MemorySegment[] frames = {FrameBytes.next(), FrameBytes.next()};
    private final List<Hart> threads = new ArrayList<>();
    private volatile int entry;
    volatile boolean done;

    MiniProcess(Fault fault) {
        this.fault = fault;
    }

    /** Makes everything as it was at first. */
    void reset() {
        done = false;
        entry = 0;
        for (MemorySegment frame : frames) {
            frame.set(ValueLayout.JAVA_LONG, 0, 0);
        }
        threads.forEach(thread -> thread.invalidate(PAGE));
    }

    Hart newHart() {
        Hart thread = new Hart();
        threads.add(thread);
        return thread;
    }

    /** The word where the page is now. */
    long word() {
        return frames[entry].get(ValueLayout.JAVA_LONG, 0);
    }

    /** Moves the page to the other frame, once. */
    void migrate() {
        int from = entry;
        entry = NOWHERE;
        for (Hart thread : threads) {
            if (fault == Fault.SHOOT_DOWN_DOES_NOT_WAIT) {
                thread.invalidate(PAGE);
            } else {
                thread.shootDown(PAGE, 1);
            }
        }
        frames[1 - from].set(ValueLayout.JAVA_LONG, 0, frames[from].get(ValueLayout.JAVA_LONG, 0));
        entry = 1 - from;
        frames[from].set(ValueLayout.JAVA_LONG, 0, JUNK);
    }

    final class Hart extends TranslatedMemory {
        @Override
        protected void refill(long address, Access access) {
            int now = entry;
            if (now == NOWHERE) {
                Thread.yield();
                return;
            }
            if (fault == Fault.FILL_HAS_NO_FENCE) {
                installWithoutFence(frames[now]);
            } else {
                install(PAGE, frames[now], 0, true);
            }
            if (fault != Fault.FILL_DOES_NOT_LOOK_AGAIN && entry != now) {
                invalidate(PAGE);
            }
        }

        private void installWithoutFence(MemorySegment frame) {
            int slot = slot(PAGE);
            segments[slot] = frame;
            bases[slot] = frame.address() - Page.address(PAGE);
            TAG.setOpaque(readTags, slot, PAGE);
            TAG.setOpaque(writeTags, slot, PAGE);
        }

        /** The product's load, or one that trusts its first look. */
        long load(long address) {
            if (fault != Fault.LOAD_DOES_NOT_LOOK_AGAIN) {
                return loadLong(address);
            }
            int slot = slot(PAGE);
            while ((long) TAG.getOpaque(readTags, slot) != PAGE) {
                refill(address, Access.READ);
            }
            return MEMORY.get(ValueLayout.JAVA_LONG, bases[slot] + address);
        }

        /** The product's store, or one that forgets the fence. */
        void store(long address, long value) {
            if (fault != Fault.STORE_HAS_NO_FENCE) {
                storeLong(address, value);
                return;
            }
            int slot = slot(PAGE);
            STORING.setOpaque(this, PAGE);
            while ((long) TAG.getOpaque(writeTags, slot) != PAGE) {
                STORING.setRelease(this, NO_PAGE);
                refill(address, Access.WRITE);
                STORING.setOpaque(this, PAGE);
            }
            MEMORY.set(ValueLayout.JAVA_LONG, bases[slot] + address, value);
            STORING.setRelease(this, NO_PAGE);
        }
    }
}
