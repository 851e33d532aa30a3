package org.heteromem.core.frame;

import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.PageList;

/** RAM that keeps its pages on LRU lists (Linux: lruvec). How its frames are handed out is another matter. Thread-safe. */
public abstract sealed class LruNode implements MemoryNode, FrameOwner permits RamNode, HomedNode {
    /** No frame. */
    public static final long NONE = -1;

    final FrameTable table;
    final FrameStore store;
    final FrameRange range;
    final WorkingSet workingSet;
    private final Lru active;
    private final Lru inactive;
    private final Lru behind;

    LruNode(FrameTable table, long firstFrame, FrameStore store, WorkingSet workingSet) {
        this.table = table;
        this.store = store;
        this.range = table.add(firstFrame, Page.count(store.byteSize()), this);
        this.workingSet = workingSet;
        this.active = new Lru(table, firstFrame, workingSet.active);
        this.inactive = new Lru(table, firstFrame, workingSet.inactive);
        this.behind = new Lru(table, firstFrame, workingSet.behind);
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
            workingSet.lock();
            try {
                if (table.has(frame, Frames.LRU)) {
                    takeOff(frame);
                    table.clear(frame, Frames.LRU);
                }
            } finally {
                workingSet.unlock();
            }
        }
    }

    /** A page that is gone needs no copy. */
    final void dropCopyOf(long frame) {
        long copy = table.takeCopy(frame);
        if (copy != 0) {
            table.dropCopy(copy);
        }
    }

    /** Takes the LRU lock for a batch of changes; nothing may block until {@link #endLruBatch}. */
    public final void beginLruBatch() {
        workingSet.lock();
    }

    /** Ends a batch of changes. */
    public final void endLruBatch() {
        workingSet.unlock();
    }

    /** {@return the list that a page with these flags is on, or comes from} */
    public static PageList list(int flags) {
        if ((flags & Frames.ACTIVE) != 0) {
            return PageList.ACTIVE;
        }
        return (flags & Frames.BEHIND) != 0 ? PageList.BEHIND : PageList.INACTIVE;
    }

    final Lru lru(PageList list) {
        return switch (list) {
            case ACTIVE -> active;
            case INACTIVE -> inactive;
            case BEHIND -> behind;
        };
    }

    private Lru listOf(long frame) {
        return lru(list(table.flags(frame)));
    }

    /** Takes a page off the list that it is on; whoever holds the lock puts it on another, or clears the flag. */
    private void takeOff(long frame) {
        listOf(frame).remove(frame);
        table.clear(frame, Frames.ACTIVE | Frames.BEHIND);
    }

    /** {@return the flags, beside those that it has, of a page that comes to this node} */
    int flagsFor(long frame) {
        return 0;
    }

    /**
     * Puts a page that is new here on the list that it deserves, or one that was isolated back where it came from.
     *
     * @param frame a frame of this node
     */
    public final void lruAdd(long frame) {
        workingSet.lock();
        try {
            lruAddInBatch(frame);
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * As {@link #lruAdd}, between {@link #beginLruBatch} and {@link #endLruBatch}.
     *
     * @param frame a frame of this node
     */
    public final void lruAddInBatch(long frame) {
        if (!table.has(frame, Frames.LRU)) {
            // Asked first: with the flag the links would be taken for those of a list.
            table.set(frame, Frames.LRU | flagsFor(frame));
            listOf(frame).addFirst(frame);
        }
    }

    /**
     * {@return whether the page was on a list and is now the caller's alone to move}
     *
     * @param frame a frame of this node
     */
    public final boolean lruIsolate(long frame) {
        workingSet.lock();
        try {
            return lruIsolateInBatch(frame);
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * As {@link #lruIsolate}, between {@link #beginLruBatch} and {@link #endLruBatch}.
     *
     * @param frame a frame of this node
     * @return whether the page was on a list and is now the caller's alone to move
     */
    public final boolean lruIsolateInBatch(long frame) {
        int flags = table.clear(frame, Frames.LRU);
        if ((flags & Frames.LRU) == 0) {
            return false;
        }
        lru(list(flags)).remove(frame);
        return true;
    }

    /**
     * Looks at the coldest pages, inactive before active, and moves each to the other end so that the next look sees
     * others. Nothing is isolated and no reference is taken: what comes back is a hint.
     *
     * @param victims filled with frame numbers
     * @return how many were filled in
     */
    public final int lruScan(long[] victims) {
        workingSet.lock();
        try {
            int n = inactive.rotate(victims, 0, victims.length);
            return active.rotate(victims, n, victims.length - n);
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * Looks at the coldest pages of one list, as {@link #lruScan(long[])} does.
     *
     * @param list which
     * @param victims filled with frame numbers from the start
     * @param most how many at most, not more than there is room for
     * @return how many were filled in
     */
    public final int lruScan(PageList list, long[] victims, int most) {
        workingSet.lock();
        try {
            return lru(list).rotate(victims, 0, most);
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * {@return how many pages are on a list}
     *
     * @param list which
     */
    public final long lruPages(PageList list) {
        workingSet.lock();
        try {
            return lru(list).size();
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * Moves a page to the cold end of the inactive list.
     *
     * @param frame a frame of this node
     */
    public final void lruDeactivate(long frame) {
        workingSet.lock();
        try {
            if (table.has(frame, Frames.LRU)) {
                takeOff(frame);
                inactive.addLast(frame);
            }
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * A sequential reader has gone past a page: it leaves before all others, unless it has come back before.
     *
     * @param frame a frame of this node
     */
    public final void lruLeaveBehind(long frame) {
        workingSet.lock();
        try {
            if (table.has(frame, Frames.LRU) && !table.has(frame, Frames.BEHIND)) {
                takeOff(frame);
                table.set(frame, Frames.BEHIND);
                behind.addFirst(frame);
            }
        } finally {
            workingSet.unlock();
        }
    }

    /**
     * Somebody holds a page that was left behind: nobody looks at it again before its turn comes by age.
     *
     * @param frame a frame of this node
     */
    public final void lruKeep(long frame) {
        workingSet.lock();
        try {
            int flags = table.flags(frame);
            if ((flags & Frames.LRU) != 0 && list(flags) == PageList.BEHIND) {
                takeOff(frame);
                inactive.addFirst(frame);
            }
        } finally {
            workingSet.unlock();
        }
    }

    @Override
    public final long lruPages() {
        workingSet.lock();
        try {
            return active.size() + inactive.size() + behind.size();
        } finally {
            workingSet.unlock();
        }
    }

    /** What the state checker is shown of a node; only at a quiet point. */
    public interface ListVisitor {
        /**
         * Sees a frame on an LRU list.
         *
         * @param frame the frame
         * @param list which
         */
        void lru(long frame, PageList list);

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

    /** Walks all lists; only at a quiet point. */
    public final void walkLru(ListVisitor visitor) {
        workingSet.lock();
        try {
            for (PageList list : PageList.values()) {
                lru(list).audit(frame -> visitor.lru(frame, list), detail -> visitor.broken(list + " list: " + detail));
            }
        } finally {
            workingSet.unlock();
        }
    }

    /** {@return whether nobody holds the LRU lock} */
    public final boolean lruUnlocked() {
        return !workingSet.isLocked();
    }
}
