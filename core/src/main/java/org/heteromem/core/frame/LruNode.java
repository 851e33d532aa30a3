package org.heteromem.core.frame;

import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.MemoryNode;

/** RAM that keeps its pages on two LRU lists (Linux: lruvec). How its frames are handed out is another matter. Thread-safe. */
public abstract sealed class LruNode implements MemoryNode, FrameOwner permits RamNode, HomedNode {
    /** No frame. */
    public static final long NONE = -1;

    private static final int SPINS_BEFORE_YIELD = 200;

    final FrameTable table;
    final FrameStore store;
    final FrameRange range;
    private final ReentrantLock lruLock = new ReentrantLock();
    private final Lru active;
    private final Lru inactive;

    LruNode(FrameTable table, long firstFrame, FrameStore store) {
        this.table = table;
        this.store = store;
        this.range = table.add(firstFrame, Page.count(store.byteSize()), this);
        this.active = new Lru(table, firstFrame);
        this.inactive = new Lru(table, firstFrame);
    }

    @Override
    public final FrameStore store() {
        return store;
    }

    @Override
    public final boolean cpuAddressable() {
        return true;
    }

    @Override
    public final boolean isDevice() {
        return false;
    }

    @Override
    public final long firstFrame() {
        return range.first;
    }

    @Override
    public final long frames() {
        return range.count;
    }

    /** Takes a page that nobody refers to any more off its list. */
    final void lruForget(long frame) {
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
    }

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
    public final void beginLruBatch() {
        lockLru();
    }

    /** Ends a batch of changes. */
    public final void endLruBatch() {
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
    public final void lruAdd(long frame) {
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
    public final boolean lruIsolate(long frame) {
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
    public final int lruScan(long[] victims) {
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
    public final void lruActivate(long frame) {
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
    public final void lruDeactivate(long frame) {
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
    public final long lruPages() {
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

    /** Walks both lists; only at a quiet point. */
    public final void walkLru(ListVisitor visitor) {
        lockLru();
        try {
            active.audit(frame -> visitor.lru(frame, true), detail -> visitor.broken("active list: " + detail));
            inactive.audit(frame -> visitor.lru(frame, false), detail -> visitor.broken("inactive list: " + detail));
        } finally {
            lruLock.unlock();
        }
    }

    /** {@return whether nobody holds the LRU lock} */
    public final boolean lruUnlocked() {
        return !lruLock.isLocked();
    }
}
