package org.heteromem.live.daemon;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongBinaryOperator;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
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
    /** Pages of a region that are begun to be watched at a time, by the evictor's thread. */
    private static final int MOST_WATCHED = 4096;
    /** Pages moved at a time by somebody who waits for the first of them. */
    private static final int DIRECT_BATCH = 64;

    /** So many sequences have half of RAM at most for what they have not filled yet. */
    private static final int MANY_SEQUENCES = 32;

    /** For how long it is not tried again to make room ahead, once nothing could leave. */
    private static final long PAUSE_NANOS = 10_000_000;

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
    /** When it last tried in vain to make room ahead; the thread that does so only. */
    private long inVain = System.nanoTime() - PAUSE_NANOS;
    /** How often somebody had to make room himself for the frame that he needed. */
    final LongAdder direct = new LongAdder();
    /** How often room was made for what nobody had asked for yet. */
    final LongAdder ahead = new LongAdder();

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
     * go: a program that fills memory as quickly as the rest of it leaves would else stop for every single page.
     */
    long framesToSpare() {
        return budget.free() - low / MIN_PART;
    }

    /**
     * Makes room for what nobody has asked for yet, where that does not wait for a device. A program that fills memory more
     * quickly than the rest of it leaves would else stop for every single page, and each stop takes the CPU from those who
     * evict. One thread only.
     *
     * @return whether some pages left RAM
     */
    boolean makeRoomAhead() {
        if (devices.isEmpty()
                || !devices.getFirst().store().isSynchronous()
                || System.nanoTime() - inVain < PAUSE_NANOS) {
            return false;
        }
        long moved = 0;
        try {
            moved = reclaim(DIRECT_BATCH, this::evictToFirst);
            watch(2 * DIRECT_BATCH);
        } finally {
            if (moved == 0) {
                inVain = System.nanoTime();
            }
        }
        ahead.increment();
        return moved > 0;
    }

    /** {@return how many pages a sequence may have made for it at a time; of those that are not filled yet it has two such runs} */
    int mostAhead() {
        return Math.clamp(budget.limit() / (2 * 2 * MANY_SEQUENCES), 1, BATCH);
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
        // Read once for each batch: others free frames meanwhile, and then fewer than none would be asked for.
        for (long free = budget.free(); !stopped && free < high; free = budget.free()) {
            if (reclaim((int) Math.min(BATCH, high - free + 1), this::evict) == 0) {
                break;
            }
            worked = true;
        }
        if (worked) {
            watch(MOST_WATCHED);
        }
        return worked;
    }

    /**
     * Has those looked at whose turn comes next, if the policy wants to know which of them are used until then. Waits for
     * nobody. Not between the batches of the evictor's thread: who has just begun to be watched shall not leave with the next.
     */
    private void watch(int most) {
        if (budget.samples()) {
            for (Region region : regions) {
                manager.watch(space, region.frames, most);
            }
        }
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
        long moved = reclaim(DIRECT_BATCH, this::evict);
        watch(2 * DIRECT_BATCH);
        return moved;
    }

    /** Moves cold pages away, by a range of bytes at an address; returns how many went. */
    private long reclaim(int wanted, LongBinaryOperator evict) {
        Reclaim round = new Reclaim(wanted, evict);
        if (budget.samples()) {
            round.take(manager::idleFrames);
        }
        if (!round.found) {
            // Nobody looks, or all that was watched is in use, and something has to go.
            round.take(manager::coldFrames);
        }
        return round.moved;
    }

    /** Who names pages of a memory that may go. */
    private interface Finder {
        long[] find(HomedMemory memory, int count);
    }

    private final class Reclaim {
        private final int wanted;
        private final LongBinaryOperator evict;
        private final long listed;
        private boolean found;
        private long moved;

        Reclaim(int wanted, LongBinaryOperator evict) {
            this.wanted = wanted;
            this.evict = evict;
            long all = 0;
            for (Region region : regions) {
                all += region.frames.lruPages();
            }
            listed = all;
        }

        void take(Finder finder) {
            for (Region region : regions) {
                long here = region.frames.lruPages();
                if (here > 0) {
                    // Each gives in proportion to what it has.
                    int share = (int) Math.max(1, wanted * here / Math.max(listed, here));
                    long[] frames = finder.find(region.frames, Math.min(share, wanted));
                    found |= frames.length > 0;
                    moved += evict(region, frames, evict);
                }
            }
        }
    }

    private static long evict(Region region, long[] frames, LongBinaryOperator evict) {
        Arrays.sort(frames);
        long moved = 0;
        for (int i = 0; i < frames.length; ) {
            int run = i + 1;
            while (run < frames.length && frames[run] == frames[run - 1] + 1) {
                run++;
            }
            moved += evict.applyAsLong(Page.address(region.frames.pageOf(frames[i])), Page.address(run - i));
            i = run;
        }
        return moved;
    }

    /**
     * Moves what of a range is in RAM to the first device, for which those that have been there longest may have to go to
     * the next; and if that is of no use, to the first device that takes it. Returns how many pages went.
     */
    long evict(long address, long bytes) {
        return evict(address, bytes, new AtomicInteger());
    }

    /**
     * The same.
     *
     * @param refusals becomes larger by the number of devices that were full or failed
     */
    long evict(long address, long bytes, AtomicInteger refusals) {
        for (int i = 0; i < devices.size(); i++) {
            StorageDevice device = devices.get(i);
            AtomicBoolean refused = new AtomicBoolean();
            Runnable refuses = () -> refused.set(true);
            long moved = device.evict(space, address, bytes, refuses);
            if (moved == 0 && refused.get() && demotion.makeRoom(i, DIRECT_BATCH)) {
                refused.set(false);
                moved = device.evict(space, address, bytes, refuses);
            }
            if (refused.get()) {
                refusals.incrementAndGet();
            }
            if (moved > 0) {
                wake();
                return moved;
            }
        }
        return 0;
    }

    /** Moves what of a range is in RAM to the first device, as far as it has room for it; returns how many pages went. */
    private long evictToFirst(long address, long bytes) {
        long moved = devices.getFirst().evict(space, address, bytes);
        if (moved > 0) {
            wake();
        }
        return moved;
    }

    /** Devices are fuller now. */
    private void wake() {
        if (asleep) {
            LockSupport.unpark(thread);
        }
    }
}
