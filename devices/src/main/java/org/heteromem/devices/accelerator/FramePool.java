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

/**
 * The frames of the device: which are free, and to which block of addresses each of the others belongs. Frames are handed
 * out in rising order from where the last one was found, so that what moves together mostly lies together. Its lock is the
 * innermost of the device; nothing is called under it. Thread-safe.
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
    private int cursor;
    private long arrivals;

    // What each frame belongs to, and the chain of its block's frames. Null: in use, but not attributed.
    private final DeviceBlock[] owners;
    private final short[] pages;
    private final int[] next;
    private final int[] previous;
    private final Set<DeviceBlock> residents = new LinkedHashSet<>();

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
        this.owners = new DeviceBlock[frames];
        this.pages = new short[frames];
        this.next = new int[frames];
        this.previous = new int[frames];
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
            int found = free.nextSetBit(cursor);
            if (found < 0) {
                found = free.nextSetBit(0);
            }
            free.clear(found);
            freeCount--;
            cursor = found + 1;
            return firstFrame + found;
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
        if (owners[i] != null) {
            return;
        }
        lock.lock();
        try {
            if (owners[i] == null && !free.get(i)) {
                own(i, block, page);
            }
        } finally {
            lock.unlock();
        }
    }

    private void own(int i, DeviceBlock block, long page) {
        disown(i);
        if (block.pagesOnDevice() == 0) {
            residents.add(block);
        }
        owners[i] = block;
        pages[i] = (short) (page & (Page.PER_BLOCK - 1));
        previous[i] = DeviceBlock.NO_FRAME;
        next[i] = block.firstFrame;
        if (block.firstFrame != DeviceBlock.NO_FRAME) {
            previous[block.firstFrame] = i;
        }
        block.firstFrame = i;
        block.arrived(pages[i], arrivals++);
    }

    @SuppressWarnings("NullAway") // A frame that belongs to nobody has no owner.
    private void disown(int i) {
        DeviceBlock block = owners[i];
        if (block == null) {
            return;
        }
        if (previous[i] == DeviceBlock.NO_FRAME) {
            block.firstFrame = next[i];
        } else {
            next[previous[i]] = next[i];
        }
        if (next[i] != DeviceBlock.NO_FRAME) {
            previous[next[i]] = previous[i];
        }
        owners[i] = null;
        block.left(pages[i]);
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
        long[] found = new long[Math.min(limit, frames)];
        int n = 0;
        lock.lock();
        try {
            for (int i = block.firstFrame; i != DeviceBlock.NO_FRAME && n < found.length; i = next[i]) {
                if (!except.get(pages[i])) {
                    found[n++] = (long) pages[i] << Integer.SIZE | i;
                }
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
