package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;
import org.jspecify.annotations.Nullable;

/**
 * The frames of the device: which are free, and to which block of addresses each of the others belongs. The lowest free
 * frame goes first, so that what moves together mostly lies together and a large device that is used little stays small
 * here. Its lock is the innermost of the device; nothing is called under it. Thread-safe.
 */
final class FramePool {
    /** No frame is free. */
    static final long NONE = -1;

    private final long firstFrame;
    private final int frames;
    private final int reserve;
    private final ReentrantLock lock = new ReentrantLock();
    private final BitSet free;
    private volatile int freeCount;
    private int lowestFree;
    private long arrivals;

    private final @Nullable Books[] books;
    private final Set<DeviceBlock> residents = new LinkedHashSet<>();

    /** What a run of frames belongs to, and the chains of their blocks' frames; made at first use. */
    private static final class Books {
        static final int SHIFT = 12;
        static final int MASK = (1 << SHIFT) - 1;

        /** Null: free, or in use but not attributed. */
        final @Nullable DeviceBlock[] owners = new DeviceBlock[1 << SHIFT];

        final short[] pages = new short[1 << SHIFT];
        final int[] next = new int[1 << SHIFT];
        final int[] previous = new int[1 << SHIFT];
    }

    /**
     * Makes a pool with all frames free.
     *
     * @param firstFrame number of the first
     * @param frames how many
     * @param reserve how many of the last ones new pages may not take
     */
    FramePool(long firstFrame, int frames, int reserve) {
        this.firstFrame = firstFrame;
        this.frames = frames;
        this.reserve = reserve;
        this.free = new BitSet(frames);
        this.free.set(0, frames);
        this.freeCount = frames;
        this.books = new Books[(frames >>> Books.SHIFT) + 1];
    }

    int frames() {
        return frames;
    }

    int free() {
        return freeCount;
    }

    int inUseCount() {
        return frames - freeCount;
    }

    /** {@return how many frames are there for pages that did not exist before} */
    int freeForNewPages() {
        return Math.max(0, freeCount - reserve);
    }

    /** {@return how many frames new pages can have at most} */
    int capacityForNewPages() {
        return frames - reserve;
    }

    private int index(long frame) {
        return (int) (frame - firstFrame);
    }

    // ---- handing out -------------------------------------------------------------------------------------------

    /** {@return a frame for a page that leaves another for it, or NONE} */
    long allocate() {
        return allocate(0);
    }

    /** {@return a frame for a page that did not exist before, or NONE} */
    long allocateForNewPage() {
        return allocate(reserve);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // the lock is held
    private long allocate(int leave) {
        lock.lock();
        try {
            if (freeCount <= leave) {
                return NONE;
            }
            int found = free.nextSetBit(lowestFree);
            free.clear(found);
            freeCount--;
            lowestFree = found + 1;
            return firstFrame + found;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a certain frame out of the free ones.
     *
     * @param index counted from the first
     * @return false if it is not free
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // the lock is held
    boolean claim(int index) {
        lock.lock();
        try {
            if (!free.get(index)) {
                return false;
            }
            free.clear(index);
            freeCount--;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether a frame, counted from the first, is in use} */
    boolean taken(int index) {
        lock.lock();
        try {
            return index >= 0 && index < frames && !free.get(index);
        } finally {
            lock.unlock();
        }
    }

    /** Takes a frame back that the core has let go. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // the lock is held
    void freed(long frame) {
        lock.lock();
        try {
            int i = index(frame);
            disown(i);
            free.set(i);
            freeCount++;
            lowestFree = Math.min(lowestFree, i);
        } finally {
            lock.unlock();
        }
    }

    // ---- whose they are ----------------------------------------------------------------------------------------

    /** Notes which page a frame in use holds. */
    void assign(long frame, DeviceBlock block, long page) {
        lock.lock();
        try {
            own(index(frame), block, page);
        } finally {
            lock.unlock();
        }
    }

    /** Notes which page a frame holds, if nobody knew. */
    void adopt(long frame, DeviceBlock block, long page) {
        int i = index(frame);
        Books mine = books[i >>> Books.SHIFT];
        if (mine != null && mine.owners[i & Books.MASK] != null) {
            return;
        }
        lock.lock();
        try {
            if (bookOf(i).owners[i & Books.MASK] == null && !free.get(i)) {
                own(i, block, page);
            }
        } finally {
            lock.unlock();
        }
    }

    private Books bookOf(int i) {
        Books have = books[i >>> Books.SHIFT];
        if (have == null) {
            have = new Books();
            books[i >>> Books.SHIFT] = have;
        }
        return have;
    }

    private void setNext(int i, int value) {
        bookOf(i).next[i & Books.MASK] = value;
    }

    private void setPrevious(int i, int value) {
        bookOf(i).previous[i & Books.MASK] = value;
    }

    private void own(int i, DeviceBlock block, long page) {
        disown(i);
        if (block.pagesOnDevice() == 0) {
            residents.add(block);
        }
        Books mine = bookOf(i);
        int at = i & Books.MASK;
        mine.owners[at] = block;
        mine.pages[at] = (short) (page & (Page.PER_BLOCK - 1));
        mine.previous[at] = DeviceBlock.NO_FRAME;
        mine.next[at] = block.firstFrame;
        if (block.firstFrame != DeviceBlock.NO_FRAME) {
            setPrevious(block.firstFrame, i);
        }
        block.firstFrame = i;
        block.arrived(mine.pages[at], arrivals++);
    }

    private void disown(int i) {
        Books mine = bookOf(i);
        int at = i & Books.MASK;
        DeviceBlock block = mine.owners[at];
        if (block == null) {
            return;
        }
        if (mine.previous[at] == DeviceBlock.NO_FRAME) {
            block.firstFrame = mine.next[at];
        } else {
            setNext(mine.previous[at], mine.next[at]);
        }
        if (mine.next[at] != DeviceBlock.NO_FRAME) {
            setPrevious(mine.next[at], mine.previous[at]);
        }
        mine.owners[at] = null;
        block.left(mine.pages[at]);
        if (block.pagesOnDevice() == 0) {
            residents.remove(block);
        }
    }

    /** {@return the blocks that have pages here, in order of arrival} */
    List<BlockView> residents() {
        lock.lock();
        try {
            return new ArrayList<>(residents);
        } finally {
            lock.unlock();
        }
    }

    /** {@return the frames of a block by page, but for those of certain pages; at most {@code limit}} */
    long[] framesOf(DeviceBlock block, BitSet except, int limit) {
        long[] found = new long[Math.min(limit, block.pagesOnDevice())];
        int n = 0;
        lock.lock();
        try {
            int i = block.firstFrame;
            while (i != DeviceBlock.NO_FRAME && n < found.length) {
                Books mine = bookOf(i);
                short page = mine.pages[i & Books.MASK];
                if (!except.get(page)) {
                    found[n++] = (long) page << Integer.SIZE | i;
                }
                i = mine.next[i & Books.MASK];
            }
        } finally {
            lock.unlock();
        }
        return frameNumbers(Arrays.copyOf(found, n));
    }

    /** {@return all frames in use} */
    long[] inUse() {
        lock.lock();
        try {
            long[] found = new long[frames - freeCount];
            int n = 0;
            for (int i = free.nextClearBit(0); i < frames; i = free.nextClearBit(i + 1)) {
                found[n++] = firstFrame + i;
            }
            return found;
        } finally {
            lock.unlock();
        }
    }

    private long[] frameNumbers(long[] keyed) {
        Arrays.sort(keyed);
        for (int i = 0; i < keyed.length; i++) {
            keyed[i] = firstFrame + (int) keyed[i];
        }
        return keyed;
    }
}
