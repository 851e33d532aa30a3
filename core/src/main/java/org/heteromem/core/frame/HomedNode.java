package org.heteromem.core.frame;

import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.policy.PageList;

/**
 * The frames of homed memory: no free list, because the address says which frame it must be. A free frame is one whose
 * state word is 0, and taking it is one exchange of that word: two threads that want the page of one address want the same
 * frame, and the second has to wait for the first.
 */
public final class HomedNode extends LruNode implements HomedMemory {
    /** Somebody has the frame, or is just giving it back. */
    public static final long BUSY = -2;

    private static final long UNMAPPED = -1;

    private final String name;
    private final FrameBudget budget;
    private final AtomicLong firstPage = new AtomicLong(UNMAPPED);
    private final AtomicLong used = new AtomicLong();

    /**
     * Makes the frames.
     *
     * @param name in messages
     * @param table the metadata of all frames
     * @param firstFrame the number of its first frame
     * @param store its bytes
     * @param budget what its frames are charged to
     */
    public HomedNode(String name, FrameTable table, long firstFrame, FrameStore store, FrameBudget budget) {
        super(table, firstFrame, store, budget.lists());
        this.name = name;
        this.budget = budget;
    }

    @Override
    public int id() {
        return -1;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public FrameBudget budget() {
        return budget;
    }

    @Override
    public long firstPage() {
        return firstPage.get();
    }

    @Override
    public long framesInUse() {
        return used.get();
    }

    @Override
    public long freeFrames() {
        return Math.min(budget.free(), range.count - used.get());
    }

    /** {@return the range of frames} */
    public FrameRange range() {
        return range;
    }

    /**
     * Says which pages are at home here, once and for all.
     *
     * @param page the page number of the first frame
     * @throws MemoryException EBUSY if it is mapped already
     */
    public void mapAt(long page) {
        if (!firstPage.compareAndSet(UNMAPPED, page)) {
            throw new MemoryException(
                    Errno.EBUSY,
                    "homed memory '" + name + "' is mapped at 0x" + Long.toHexString(Page.address(firstPage.get()))
                            + " already; it can be mapped once");
        }
    }

    /**
     * Takes the frame of a page, with one reference.
     *
     * @param page a page that is at home here
     * @param flags initial flags of {@link Frames}
     * @param comingHome whether the page gives up a frame elsewhere for it
     * @return the frame, {@link #NONE} if the budget has none left, or {@link #BUSY} if somebody has it
     */
    public long take(long page, int flags, boolean comingHome) {
        long frame = frameOf(page);
        if (!isFree(page)) {
            // Before the charge: it could be the last one, and who is denied it would believe that RAM is full.
            return BUSY;
        }
        if (!budget.tryCharge(comingHome)) {
            return NONE;
        }
        if (!table.claim(frame, flags)) {
            budget.uncharge();
            return BUSY;
        }
        if (!comingHome) {
            // A page that never was, or that was thrown away where it lay: what was evicted from here is nobody's any
            // more.
            table.setLinks(frame, 0);
        }
        used.getAndIncrement();
        return frame;
    }

    /**
     * {@return whether nobody has the frame of a page just now}
     *
     * @param page a page that is at home here
     */
    public boolean isFree(long page) {
        return table.flags(frameOf(page)) == 0;
    }

    /**
     * Charges the budget for pages that come home, to be followed by {@link #takeCharged} and {@link #settle}.
     *
     * @param wanted how many whose frames are free
     * @return for how many it was charged
     */
    public int charge(int wanted) {
        return budget.tryCharge(wanted, true);
    }

    /**
     * Takes the frame of a page that comes home, with one reference, for which the budget was charged.
     *
     * @param page a page that is at home here
     * @param flags initial flags of {@link Frames}
     * @return the frame, or {@link #BUSY} if somebody has it
     */
    public long takeCharged(long page, int flags) {
        long frame = frameOf(page);
        return table.claim(frame, flags) ? frame : BUSY;
    }

    /**
     * Says what became of a charge.
     *
     * @param charged for how many frames
     * @param taken how many were taken
     */
    public void settle(int charged, int taken) {
        used.getAndAdd(taken);
        if (taken < charged) {
            budget.uncharge(charged - taken);
        }
    }

    /**
     * {@return the frame that a page must live in}
     *
     * @param page a page that is at home here
     */
    public long frameOf(long page) {
        return range.first + (page - firstPage.get());
    }

    /**
     * Notes that the page of a frame leaves for a device. Between {@link #beginLruBatch} and {@link #endLruBatch}.
     *
     * @param frame a frame of this node whose page was isolated by the caller
     */
    public void lruEvicted(long frame) {
        table.setLinks(frame, workingSet.evict(list(table.flags(frame))));
    }

    @Override
    int flagsFor(long frame) {
        // A page that was only isolated has no shadow, and its flags still say where it belongs.
        long shadow = table.links(frame);
        if (shadow == 0 || workingSet.refault(shadow) != PageList.ACTIVE) {
            return 0;
        }
        return WorkingSet.list(shadow) == PageList.INACTIVE ? Frames.ACTIVE : Frames.ACTIVE | Frames.BEHIND;
    }

    /** {@return whether pages that a sequential reader has gone past leave first} */
    public boolean dropsBehind() {
        return workingSet.dropsBehind();
    }

    /**
     * Tells, once, that the policy failed when a page came home.
     *
     * @throws IllegalStateException with the cause
     */
    public void requirePolicy() {
        workingSet.requirePolicy();
    }

    /**
     * {@return how many of the next victims shall come from the active list}
     *
     * @param wanted how many are wanted in all, positive
     */
    public int activeVictims(int wanted) {
        return workingSet.activeVictims(wanted);
    }

    /** {@return whether the policy wants old pages to be watched} */
    public boolean samples() {
        return workingSet.samples();
    }

    /**
     * {@return how many of the oldest pages of a list are watched and were not used since in a way that counts, as far as is
     * known: also those whose use could not be made a fault}
     *
     * @param list which
     */
    public long watchedPages(PageList list) {
        workingSet.lock();
        try {
            return lru(list).watched();
        } finally {
            workingSet.unlock();
        }
    }

    /** {@return how many pages more than now the policy wants to be watched} */
    public long unwatched() {
        workingSet.lock();
        try {
            long window = workingSet.window();
            return lru(PageList.INACTIVE).unwatched(part(window, PageList.INACTIVE))
                    + lru(PageList.ACTIVE).unwatched(part(window, PageList.ACTIVE));
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * Watches more of the oldest pages, if the policy wants that.
     *
     * @param frames filled from the start with those that were not watched yet
     * @return how many were filled in
     */
    public int watch(long[] frames) {
        workingSet.lock();
        try {
            long window = workingSet.window();
            int n = lru(PageList.INACTIVE).watch(frames, 0, part(window, PageList.INACTIVE));
            n = lru(PageList.ACTIVE).watch(frames, n, part(window, PageList.ACTIVE));
            workingSet.watch(n);
            return n;
        } finally {
            workingSet.unlock();
        }
    }

    /** What part of a window is this memory's. */
    private long part(long window, PageList list) {
        long here = lru(list).size();
        long all = list == PageList.ACTIVE ? workingSet.active() : workingSet.inactive();
        return here == 0 ? 0 : Math.ceilDiv(window * here, all);
    }

    /**
     * A page is used that was idle.
     *
     * @param frame a locked frame of this node
     */
    public void access(long frame) {
        workingSet.lock();
        try {
            int flags = table.clear(frame, Frames.IDLE);
            if ((flags & Frames.IDLE) != 0 && (flags & Frames.LRU) != 0 && workingSet.access(pageOf(frame))) {
                lru(list(flags)).renew(frame);
            }
        } finally {
            workingSet.unlock();
        }
    }

    @Override
    public void lastReferenceGone(long frame) {
        // Not as one of many, which would need an array: there may be no heap.
        lruForget(frame);
        dropCopyOf(frame);
        used.getAndDecrement();
        // From here on somebody else may take it.
        boolean awaited = table.resetAwaited(frame);
        budget.uncharge();
        if (awaited) {
            table.wakeReleased(frame);
        }
    }

    @Override
    public void lastReferencesGone(long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            lruForget(frames[i]);
            dropCopyOf(frames[i]);
        }
        used.getAndAdd(-count);
        int awaited = 0;
        for (int i = 0; i < count; i++) {
            if (table.resetAwaited(frames[i])) {
                frames[awaited++] = frames[i];
            }
        }
        budget.uncharge(count);
        Throwable failed = null;
        for (int i = 0; i < awaited; i++) {
            try {
                table.wakeReleased(frames[i]);
            } catch (RuntimeException | Error e) {
                // The others wait as well.
                failed = failed == null ? e : failed;
            }
        }
        Failures.rethrow(failed);
    }
}
