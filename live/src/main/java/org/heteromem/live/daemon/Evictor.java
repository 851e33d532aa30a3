package org.heteromem.live.daemon;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.devices.storage.StorageDevice;
import org.jspecify.annotations.Nullable;

/**
 * Keeps RAM free for what comes next: a thread of its own moves cold pages to the first device that has room whenever the
 * free frames of a client fall under the low watermark, until they reach the high one (Linux: kswapd). When that is not
 * quick enough, whoever needs a frame makes room himself (direct reclaim).
 *
 * <p>Victims are taken in the order of the core's lists, but moved in order of address: neighbours are write-protected,
 * copied and dropped by one call each, and find neighbouring slots on the device.
 */
final class Evictor implements Runnable {
    /** Pages moved at a time. */
    static final int BATCH = 512;
    /** What part of the low watermark is left to those who must have a frame (Linux: the min watermark). */
    private static final int MIN_PART = 4;
    /** How often in a row it must have tried in vain. */
    private static final int STUCK = 20;
    /** How long what has become empty on a device is kept for what comes next. */
    private static final long TRIM_NANOS = 1_000_000_000;
    /** Pages moved at a time by somebody who waits for the first of them. */
    private static final int DIRECT_BATCH = 64;

    private final MemoryManager manager;
    private final AddressSpace space;
    private final FrameBudget budget;
    private final List<Region> regions;
    private final List<StorageDevice> devices;
    private final long low;
    private final long high;
    /** When; the evictor's thread only, as the next. */
    private long trimmed = System.nanoTime();

    private boolean untrimmed;
    /** Whether it waits until somebody tells that there is something to do. */
    private volatile boolean asleep;

    private volatile @Nullable Thread thread;
    private volatile boolean stopped;
    private volatile int fruitless;
    private final Demotion demotion;
    final LongAdder direct = new LongAdder();

    Evictor(
            MemoryManager manager,
            AddressSpace space,
            FrameBudget budget,
            List<Region> regions,
            List<StorageDevice> devices) {
        this.manager = manager;
        this.space = space;
        this.budget = budget;
        this.regions = regions;
        this.devices = devices;
        this.demotion = new Demotion(devices);
        this.low = Math.clamp(budget.limit() / 32, 16, 4096);
        this.high = Math.min(2 * low, budget.limit() / 2);
    }

    /** {@return how many frames to keep for pages that come home while new ones are wanted} */
    static long reserve(long limit) {
        return Math.clamp(limit / 256, 1, 256);
    }

    /**
     * {@return how many frames may be used for what nobody has asked for yet: below zero if none}. Some of what is kept free may
     * go, and where that is too little the caller makes room: a program that fills memory more quickly than the rest of it
     * leaves would else stop for every single page, and each stop takes the CPU from those who evict.
     *
     * @param wanted of which cold pages are evicted, some at a time; 0 to evict none
     */
    long framesToSpare(int wanted) {
        long spare = spare();
        if (wanted == 0 || spare >= wanted || isStuck()) {
            return spare;
        }
        reclaimNow();
        return spare();
    }

    private long spare() {
        return budget.free() - low / MIN_PART;
    }

    /** Tells that frames were taken: cheap, for the path of a fault. */
    void noticeUse() {
        if (budget.free() < low) {
            Thread sleeper = thread;
            if (sleeper != null) {
                LockSupport.unpark(sleeper);
            }
        }
    }

    @Override
    public void run() {
        thread = Thread.currentThread();
        while (!stopped) {
            boolean wanted = budget.free() < low;
            boolean worked = wanted && work();
            fruitless = wanted && !worked ? fruitless + 1 : 0;
            // Not before RAM has room: somebody may wait for that.
            worked |= !stopped && demotion.keepHeadroom();
            if (stopped) {
                return;
            }
            if (budget.free() >= low || devices.isEmpty()) {
                if (!worked) {
                    idle();
                }
            } else if (!worked) {
                // Everything is pinned, busy or refused: whoever needs a frame will say so.
                LockSupport.parkNanos(this, 1_000_000);
            }
        }
    }

    /** Until somebody takes frames; meanwhile what the devices do not need any more goes back to the system. */
    private void idle() {
        asleep = true;
        boolean more = devices.stream().anyMatch(device -> device.store().bytesUsed() > 0);
        if (System.nanoTime() - trimmed >= TRIM_NANOS) {
            trimmed = System.nanoTime();
            untrimmed = false;
            devices.forEach(device -> untrimmed |= device.store().trim());
        }
        // Pages that come home make devices emptier, and nobody tells.
        if (more || untrimmed) {
            asleep = false;
            LockSupport.parkNanos(this, TRIM_NANOS);
        } else {
            LockSupport.park(this);
            asleep = false;
        }
    }

    private boolean work() {
        boolean worked = false;
        while (!stopped && budget.free() < high) {
            if (reclaim((int) Math.min(BATCH, high - budget.free() + 1)) == 0) {
                break;
            }
            worked = true;
        }
        return worked;
    }

    /** Whether it has tried again and again and nothing can leave RAM: not while it waits for a slow device. */
    boolean isStuck() {
        return devices.isEmpty() || fruitless >= STUCK;
    }

    void stop() {
        stopped = true;
        LockSupport.unpark(thread);
    }

    /** Makes some room at once; returns how many pages left RAM. */
    long reclaimNow() {
        direct.increment();
        return reclaim(DIRECT_BATCH);
    }

    private long reclaim(int wanted) {
        long listed = 0;
        for (Region region : regions) {
            listed += region.frames.lruPages();
        }
        long moved = 0;
        for (Region region : regions) {
            long here = region.frames.lruPages();
            if (here == 0) {
                continue;
            }
            // Each gives in proportion to what it has.
            int share = (int) Math.max(1, wanted * here / Math.max(listed, here));
            moved += evict(region, manager.coldFrames(region.frames, Math.min(share, wanted)));
        }
        return moved;
    }

    private long evict(Region region, long[] frames) {
        Arrays.sort(frames);
        long moved = 0;
        for (int i = 0; i < frames.length; ) {
            int run = i + 1;
            while (run < frames.length && frames[run] == frames[run - 1] + 1) {
                run++;
            }
            moved += evict(Page.address(region.frames.pageOf(frames[i])), Page.address(run - i));
            i = run;
        }
        return moved;
    }

    /**
     * Moves what of a range is in RAM to the first device, for which those that have been there longest may have to go to
     * the next; and if that is of no use, to the first device that takes it. Returns how many pages went.
     */
    long evict(long address, long bytes) {
        for (int i = 0; i < devices.size(); i++) {
            StorageDevice device = devices.get(i);
            long refusals = Demotion.refusals(device);
            long moved = device.evict(space, address, bytes);
            if (moved == 0 && Demotion.refusals(device) != refusals && demotion.makeRoom(i, DIRECT_BATCH)) {
                moved = device.evict(space, address, bytes);
            }
            if (moved > 0) {
                if (asleep) {
                    LockSupport.unpark(thread);
                }
                return moved;
            }
        }
        return 0;
    }
}
