package org.heteromem.core.frame;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Page;
import org.heteromem.core.memory.AllocationGate;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.MemoryNode;
import org.jspecify.annotations.Nullable;

/**
 * A node of RAM: a free list and two LRU lists. The free list is a stack without locks, its head tagged against reuse;
 * frames that were never used come after it, in order, so that the same calls give the same frames.
 */
public final class RamNode implements MemoryNode, FrameOwner, FrameAllocator {
    /** No frame. */
    public static final long NONE = -1;

    private static final int SPINS_BEFORE_YIELD = 200;

    private final int id;
    private final FrameTable table;
    private final FrameStore store;
    private final FrameRange range;
    /** tag 63..32, index + 1 of the first free frame 31..0. */
    private final AtomicLong freeHead = new AtomicLong();

    private final AtomicLong neverUsed = new AtomicLong();
    private final AtomicLong allocated = new AtomicLong();
    private final ReentrantLock lruLock = new ReentrantLock();
    private volatile @Nullable AllocationGate gate;
    private final Lru active;
    private final Lru inactive;
    private volatile long reserve;

    /**
     * Makes a node.
     *
     * @param id the node number
     * @param table the metadata of all frames
     * @param firstFrame the number of its first frame
     * @param store its bytes
     */
    public RamNode(int id, FrameTable table, long firstFrame, FrameStore store) {
        this.id = id;
        this.table = table;
        this.store = store;
        this.range = table.add(firstFrame, Page.count(store.byteSize()), this);
        this.active = new Lru(table, firstFrame);
        this.inactive = new Lru(table, firstFrame);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public String name() {
        return "node" + id;
    }

    @Override
    public FrameStore store() {
        return store;
    }

    @Override
    public boolean cpuAddressable() {
        return true;
    }

    @Override
    public boolean isDevice() {
        return false;
    }

    @Override
    public long firstFrame() {
        return range.first;
    }

    @Override
    public long frames() {
        return range.count;
    }

    @Override
    public long framesInUse() {
        return allocated.get();
    }

    @Override
    public long freeFrames() {
        return range.count - allocated.get();
    }

    /** {@return how many of the last frames only pages that move may take (Linux: the min watermark)} */
    public long reserve() {
        return reserve;
    }

    /**
     * Sets the reserve.
     *
     * @param frames how many, not negative
     */
    public void setReserve(long frames) {
        reserve = frames;
    }

    /**
     * Sets who may refuse allocations.
     *
     * @param gate asked before each, or null for nobody
     */
    public void setGate(@Nullable AllocationGate gate) {
        this.gate = gate;
    }

    @Override
    public long allocate(int flags) {
        AllocationGate asked = gate;
        if (asked != null && !asked.mayAllocate(this)) {
            return NONE;
        }
        long frame = pop();
        if (frame == NONE) {
            long next = neverUsed.get() < range.count ? neverUsed.getAndIncrement() : range.count;
            if (next >= range.count) {
                // The list may have been refilled since.
                frame = pop();
                if (frame == NONE) {
                    return NONE;
                }
            } else {
                frame = range.first + next;
            }
        }
        allocated.getAndIncrement();
        table.prepare(frame, flags);
        return frame;
    }

    private long pop() {
        for (; ; ) {
            long head = freeHead.get();
            int index = (int) head;
            if (index == 0) {
                return NONE;
            }
            long frame = range.first + Integer.toUnsignedLong(index) - 1;
            long next = table.links(frame);
            if (freeHead.compareAndSet(head, ((head >>> 32) + 1) << 32 | next)) {
                return frame;
            }
        }
    }

    @Override
    public void lastReferenceGone(long frame) {
        if (table.has(frame, Frames.LRU)) {
            lockLru();
            try {
                if (table.has(frame, Frames.LRU)) {
                    listOf(frame).remove(frame);
                    table.clear(frame, Frames.LRU | Frames.ACTIVE);
                }
            } finally {
                lruLock.unlock();
            }
        }
        table.reset(frame);
        allocated.getAndDecrement();
        for (; ; ) {
            long head = freeHead.get();
            table.setLinks(frame, head & 0xffff_ffffL);
            if (freeHead.compareAndSet(head, ((head >>> 32) + 1) << 32 | (frame - range.first + 1))) {
                return;
            }
        }
    }

    // ---- LRU ---------------------------------------------------------------------------------------------------

    /**
     * Takes the LRU lock by spinning: it is held for tens of nanoseconds, or for one batch, and a thread that parks for it
     * costs more than all it waits for.
     */
    private void lockLru() {
        for (int spins = 0; !lruLock.tryLock(); spins++) {
            if (spins < SPINS_BEFORE_YIELD) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** Takes the LRU lock for a batch of changes; nothing may block until {@link #endLruBatch}. */
    public void beginLruBatch() {
        lockLru();
    }

    /** Ends a batch of changes. */
    public void endLruBatch() {
        lruLock.unlock();
    }

    private Lru listOf(long frame) {
        return table.has(frame, Frames.ACTIVE) ? active : inactive;
    }

    /**
     * Puts a page on the inactive list, or back where it was isolated from.
     *
     * @param frame a frame of this node
     */
    public void lruAdd(long frame) {
        lockLru();
        try {
            if (table.set(frame, Frames.LRU)) {
                listOf(frame).addFirst(frame);
            }
        } finally {
            lruLock.unlock();
        }
    }

    /**
     * {@return whether the page was on a list and is now the caller's alone to move}
     *
     * @param frame a frame of this node
     */
    public boolean lruIsolate(long frame) {
        // Reentrant: who moves many pages holds it over all of them.
        lockLru();
        try {
            if ((table.clear(frame, Frames.LRU) & Frames.LRU) == 0) {
                return false;
            }
            listOf(frame).remove(frame);
            return true;
        } finally {
            lruLock.unlock();
        }
    }

    /**
     * Looks at the coldest pages, inactive before active, and moves each to the other end so that the next look sees
     * others. Nothing is isolated and no reference is taken: what comes back is a hint.
     *
     * @param victims filled with frame numbers
     * @return how many were filled in
     */
    public int lruScan(long[] victims) {
        lockLru();
        try {
            int n = inactive.rotate(victims, 0);
            return active.rotate(victims, n);
        } finally {
            lruLock.unlock();
        }
    }

    /**
     * Moves a page to the head of the active list.
     *
     * @param frame a frame of this node
     */
    public void lruActivate(long frame) {
        lockLru();
        try {
            if (table.has(frame, Frames.LRU)) {
                listOf(frame).remove(frame);
                table.set(frame, Frames.ACTIVE);
                active.addFirst(frame);
            }
        } finally {
            lruLock.unlock();
        }
    }

    /**
     * Moves a page to the cold end of the inactive list.
     *
     * @param frame a frame of this node
     */
    public void lruDeactivate(long frame) {
        lockLru();
        try {
            if (table.has(frame, Frames.LRU)) {
                listOf(frame).remove(frame);
                table.clear(frame, Frames.ACTIVE);
                inactive.addLast(frame);
            }
        } finally {
            lruLock.unlock();
        }
    }

    @Override
    public long lruPages() {
        lockLru();
        try {
            return active.size() + inactive.size();
        } finally {
            lruLock.unlock();
        }
    }

    /** What the state checker is shown of a node; only at a quiet point. */
    public interface ListVisitor {
        /**
         * Sees a frame on an LRU list.
         *
         * @param frame the frame
         * @param onActive whether on the active one
         */
        void lru(long frame, boolean onActive);

        /**
         * Sees a free frame that was used before.
         *
         * @param frame the frame
         */
        void free(long frame);

        /**
         * Hears that a list is broken.
         *
         * @param detail how
         */
        void broken(String detail);
    }

    /**
     * For the state checker: walks both LRU lists and the free list; only at a quiet point.
     *
     * @param visitor what is called for every frame
     * @return the first frame that was never used
     */
    public long walkLists(ListVisitor visitor) {
        lockLru();
        try {
            active.audit(frame -> visitor.lru(frame, true), detail -> visitor.broken("active list: " + detail));
            inactive.audit(frame -> visitor.lru(frame, false), detail -> visitor.broken("inactive list: " + detail));
        } finally {
            lruLock.unlock();
        }
        long index = freeHead.get() & 0xffff_ffffL;
        for (long left = range.count; index != 0; left--) {
            if (left == 0 || index > range.count) {
                visitor.broken("the free list has a circle or leaves the node");
                break;
            }
            long frame = range.first + index - 1;
            visitor.free(frame);
            index = table.links(frame) & 0xffff_ffffL;
        }
        return range.first + Math.min(range.count, neverUsed.get());
    }

    /** {@return whether nobody holds the LRU lock} */
    public boolean lruUnlocked() {
        return !lruLock.isLocked();
    }
}
