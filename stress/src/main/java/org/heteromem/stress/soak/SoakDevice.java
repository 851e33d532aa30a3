package org.heteromem.stress.soak;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryHold;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/**
 * A device as small as one can be: memory, a page table that mirrors one process, compute units that know nothing else,
 * and a driver. Its table lock is the driver's one lock: invalidations and the check before filling take it.
 */
final class SoakDevice implements DeviceDriver {
    /** Whether a migration takes pages that do not exist yet. */
    enum Holes {
        FILL,
        LEAVE
    }

    /** A table entry: frame number, and these. */
    private static final long VALID = 1L << 63;

    private static final long WRITE = 1L << 62;
    private static final long FRAME = (1L << 40) - 1;

    private final World world;
    private final String name;
    private final DeviceMemory memory;
    private final ConcurrentLinkedQueue<Long> free = new ConcurrentLinkedQueue<>();
    private final AtomicInteger freeCount = new AtomicInteger();
    private final AtomicLong faults = new AtomicLong();
    private final AtomicLongArray table = new AtomicLongArray(Layout.WINDOW);
    private final ReentrantLock tableLock = new ReentrantLock();
    private final List<ComputeUnit> units = new CopyOnWriteArrayList<>();
    private final IntervalNotifier notifier;

    /** The notifier as its own callback sees it, which may come before the constructor is done. */
    private volatile @Nullable IntervalNotifier following;

    SoakDevice(World world, String name, DeviceKind kind, int pages, long seed) {
        this.world = world;
        this.name = name;
        this.faults.set(seed & 0xffff);
        this.memory = world.manager.addDevice(
                new DeviceMemory.Spec(name, kind, this, new ArenaStore(Page.address(pages))), this);
        for (long i = 0; i < memory.frames(); i++) {
            free.add(memory.firstFrame() + i);
        }
        freeCount.set(pages);
        this.notifier = IntervalNotifier.insert(
                world.space, Layout.BASE, Page.address(Layout.WINDOW), (invalidation, sequence) -> {
                    invalidate(invalidation, sequence);
                });
        this.following = notifier;
    }

    String name() {
        return name;
    }

    DeviceMemory memory() {
        return memory;
    }

    int freeFrames() {
        return freeCount.get();
    }

    MemoryManager.FrameLocation locate(long frame) {
        return world.manager.locate(frame);
    }

    MemoryHold hold() {
        return world.manager.hold();
    }

    ComputeUnit newUnit() {
        ComputeUnit unit = new ComputeUnit(this);
        units.add(unit);
        return unit;
    }

    // ---- the device's page table -------------------------------------------------------------------------------

    private static int index(long page) {
        return (int) (page - Page.of(Layout.BASE));
    }

    long entry(long page) {
        return table.get(index(page));
    }

    static boolean valid(long entry) {
        return (entry & VALID) != 0;
    }

    static boolean writable(long entry) {
        return (entry & (VALID | WRITE)) == (VALID | WRITE);
    }

    static long frame(long entry) {
        return entry & FRAME;
    }

    private void invalidate(Invalidation change, long sequence) {
        if (change.reason() == Invalidation.Reason.EXCLUSIVE && change.owner() == this) {
            return;
        }
        long first = Math.max(change.address(), Layout.BASE);
        long end = Math.min(change.end(), Layout.BASE + Page.address(Layout.WINDOW));
        IntervalNotifier own = following;
        if (own == null || first >= end) {
            return;
        }
        tableLock.lock();
        try {
            own.setSequence(sequence);
            for (long page = Page.of(first); page < Page.of(end); page++) {
                table.set(index(page), 0);
            }
        } finally {
            tableLock.unlock();
        }
        for (ComputeUnit unit : units) {
            unit.shootDown(Page.of(first), Page.count(end - first));
        }
    }

    /** A compute unit has no usable entry: ask the manager for one. */
    void fault(long page, Access access) {
        world.count(Tally.DEVICE_FAULTS, 1);
        int ahead = access == Access.READ && (faults.incrementAndGet() & 3) == 0 ? 4 : 1;
        for (; ; ) {
            long sequence = notifier.readBegin();
            long[] found;
            try {
                found = RangeFault.fault(notifier, sequence, this, Page.address(page), ahead, access);
            } catch (MemoryException e) {
                if (e.errno() == Errno.EBUSY) {
                    world.count(Tally.MIRROR_RETRIES, 1);
                    continue;
                }
                if (ahead > 1) {
                    ahead = 1;
                    continue;
                }
                throw e;
            }
            if (access == Access.WRITE && !MirrorEntry.writable(found[0])) {
                // Our own page, read-only: the manager leaves it to us. A CPU store would bring it home, so let one.
                touchAsCpu(page);
                continue;
            }
            if (fill(page, found, sequence)) {
                return;
            }
            world.count(Tally.MIRROR_RETRIES, 1);
        }
    }

    private boolean fill(long page, long[] found, long sequence) {
        tableLock.lock();
        try {
            if (notifier.readRetry(sequence)) {
                return false;
            }
            for (int i = 0; i < found.length; i++) {
                table.set(
                        index(page + i),
                        VALID | (MirrorEntry.writable(found[i]) ? WRITE : 0) | MirrorEntry.frame(found[i]));
            }
            return true;
        } finally {
            tableLock.unlock();
        }
    }

    private void touchAsCpu(long page) {
        FaultResult result = world.space.fault(Page.address(page), Access.WRITE);
        switch (result) {
            case FaultResult.Done _, FaultResult.NoProgress _ -> Thread.onSpinWait();
            case FaultResult.NoMemory none -> world.relieve(none.node());
            case FaultResult.Wait wait -> Waiting.parking().await(wait.point());
            case FaultResult.Segv segv -> throw new MemoryException(Errno.EFAULT, segv.detail());
            case FaultResult.Bus bus -> throw new SoakFailure("device " + bus.device() + ": " + bus.detail());
        }
    }

    /** Takes a page for this device alone; the manager says when it must be given back. */
    void makeExclusive(long address) {
        long sequence = notifier.readBegin();
        ExclusiveAccess.make(world.space, address, this, frame -> {
            tableLock.lock();
            try {
                if (!notifier.readRetry(sequence)) {
                    table.set(index(Page.of(address)), VALID | WRITE | frame);
                }
            } finally {
                tableLock.unlock();
            }
        });
    }

    // ---- moving pages ------------------------------------------------------------------------------------------

    private void give(Migration migration, int i) {
        Long frame = free.poll();
        if (frame != null) {
            freeCount.decrementAndGet();
            memory.initFrame(frame);
            migration.setDestination(i, frame);
            migration.copy(i);
        }
    }

    /** Moves a run of pages here, as far as there is room. */
    long takeIn(AddressSpace from, long address, int pages, Holes holes) {
        try (Migration migration =
                Migration.setup(from, address, Page.address(pages), Set.of(Migration.Select.SYSTEM), this)) {
            for (int i = 0; i < pages; i++) {
                if (migration.sources().movable(i)
                        && (holes == Holes.FILL || !migration.sources().hole(i))) {
                    give(migration, i);
                }
            }
            int moved = migration.migrate();
            world.count(Tally.MOVED_TO_DEVICE, moved);
            return moved;
        }
    }

    /** Moves pages home by frame number, wherever they are mapped. */
    void evict(long[] victims) {
        try (Migration migration = Migration.ofFrames(world.manager, victims)) {
            for (int i = 0; i < victims.length; i++) {
                if (migration.sources().movable(i) && migration.allocateRam(i)) {
                    migration.copy(i);
                }
            }
            world.count(Tally.EVICTED_BY_FRAME, migration.migrate());
        }
    }

    @Override
    public DriverResult migrateToRam(DeviceFault fault) {
        long neighbours = faults.incrementAndGet() & 7;
        long first = Math.max(fault.areaStart(), fault.address() - Page.address(neighbours & 3));
        long end = Math.min(fault.areaEnd(), fault.address() + Page.address(1 + (neighbours >> 1)));
        try (Migration migration = Migration.forFault(fault, first, end - first)) {
            int wanted = (int) Page.count(fault.address() - first);
            for (int i = 0; i < migration.pages(); i++) {
                if (!migration.sources().movable(i) || migration.sources().hole(i)) {
                    continue;
                }
                if (migration.allocateRam(i)) {
                    migration.copy(i);
                } else if (i == wanted) {
                    return DriverResult.NO_MEMORY;
                }
            }
            world.count(Tally.CAME_HOME, migration.migrate());
        }
        return DriverResult.DONE;
    }

    @Override
    public void frameFreed(DeviceMemory from, long frame) {
        free.add(frame);
        freeCount.incrementAndGet();
    }

    // ---- at the end --------------------------------------------------------------------------------------------

    /** Shows the table to the state checker. */
    void forEachEntry(MirrorView.Visitor visitor) {
        for (int i = 0; i < Layout.WINDOW; i++) {
            long entry = table.get(i);
            if (valid(entry)) {
                visitor.entry(world.space, Layout.BASE + Page.address(i), frame(entry), writable(entry));
            }
        }
    }

    /** Stops following the process; the memory must be empty before it can be removed. */
    void close() {
        notifier.close();
    }

    /** Takes the device out of the machine as its owner would: nothing new, everything home, wait for what is held. */
    void remove() {
        free.clear();
        long[] all = new long[Math.toIntExact(memory.frames())];
        Arrays.setAll(all, i -> memory.firstFrame() + i);
        while (memory.liveReferences() > 0) {
            evict(all);
            Thread.yield();
        }
        close();
        world.manager.removeDevice(memory);
    }
}
