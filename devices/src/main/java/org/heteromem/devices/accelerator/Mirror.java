package org.heteromem.devices.accelerator;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
import org.jspecify.annotations.Nullable;

/**
 * The device's view of one process: its page table there, the notifier that keeps it true, and the compute units that work
 * in it now.
 *
 * <p>The table is a cache of the process's page table, never more permissive. An entry goes when a notification covers it,
 * but for those of a migration by this device: they only stop fills that looked before (the sequence), and the device
 * itself takes away what it moves ({@link #forget}), after migration entries stand and before anything is copied. Whoever
 * takes an entry away waits until no store of a compute unit through it is under way.
 */
final class Mirror {
    private final Machinery device;
    private final AddressSpace space;
    private final DeviceTable table;
    private final ReentrantLock lock = new ReentrantLock();
    private final CopyOnWriteArrayList<ComputeUnit> units = new CopyOnWriteArrayList<>();
    private volatile @Nullable IntervalNotifier notifier;

    Mirror(Machinery device, AddressSpace space) {
        this.device = device;
        this.space = space;
        this.table = new DeviceTable(space.id());
    }

    AddressSpace space() {
        return space;
    }

    DeviceTable table() {
        return table;
    }

    // ---- following the process ---------------------------------------------------------------------------------

    /** Starts to follow; before the first translation is entered. */
    IntervalNotifier follow() {
        IntervalNotifier have = notifier;
        if (have != null) {
            return have;
        }
        // The lock makes a callback that comes at once wait until it can note its sequence.
        lock.lock();
        try {
            have = notifier;
            if (have == null) {
                have = IntervalNotifier.insert(space, 0, 1L << Page.ADDRESS_BITS, this::invalidate);
                notifier = have;
            }
            return have;
        } finally {
            lock.unlock();
        }
    }

    /** Stops to follow; no unit is at work. */
    void close() {
        IntervalNotifier have = notifier;
        if (have != null) {
            have.close();
        }
    }

    void attach(ComputeUnit unit) {
        units.add(unit);
    }

    void detach(ComputeUnit unit) {
        units.remove(unit);
    }

    private void invalidate(Invalidation invalidation, long sequence) {
        if (device.ignores(invalidation)) {
            return;
        }
        lock.lock();
        try {
            follow().setSequence(sequence);
            if (invalidation.reason() != Invalidation.Reason.MIGRATE || invalidation.owner() != device) {
                drop(Page.of(invalidation.address()), Page.of(invalidation.end()));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes away the entries of [from, to) and stops who uses them; under the lock. */
    private void drop(long from, long to) {
        long end = Math.min(to, DeviceTable.LAST_PAGE + 1);
        long first = -1;
        long last = -1;
        for (long page = table.nextCovered(from, end); page < end; page = table.nextCovered(page, end)) {
            DeviceBlock block = table.block(page);
            long stop = Math.min(end, block.firstPage() + Page.PER_BLOCK);
            for (; page < stop; page++) {
                if (block.exchange(page, 0) != 0) {
                    first = first < 0 ? page : first;
                    last = page;
                }
            }
        }
        if (first >= 0) {
            shootDown(first, last - first + 1);
        }
    }

    private void shootDown(long page, long pages) {
        for (ComputeUnit unit : units) {
            unit.shootDown(page, pages);
        }
    }

    /**
     * Takes away the entries of all pages that a migration by this device has collected.
     *
     * @param migration of a range of this process, not yet copied
     */
    void forget(Migration migration) {
        SourceEntries sources = migration.sources();
        long firstPage = Page.of(sources.address(0));
        lock.lock();
        try {
            for (int i = 0; i < sources.size(); ) {
                int run = i;
                while (run < sources.size() && sources.movable(run)) {
                    run++;
                }
                if (run > i) {
                    drop(firstPage + i, firstPage + run);
                }
                i = run + 1;
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- filling -----------------------------------------------------------------------------------------------

    /** {@return whether the device may access a page as things stand} */
    boolean allows(long page, boolean write) {
        DeviceBlock block = table.find(page);
        return block != null && DeviceEntry.allows(block.entry(page), write);
    }

    /**
     * Enters what a look at the page table has shown, unless it changed since.
     *
     * @param begun the notifier's sequence before the look
     * @param firstPage the first page looked at
     * @param entries what was seen
     * @param ownOnly enter only pages that live on this device
     * @return false if the look must be repeated
     */
    boolean fill(long begun, long firstPage, long[] entries, boolean ownOnly) {
        lock.lock();
        try {
            if (follow().readRetry(begun)) {
                return false;
            }
            for (int i = 0; i < entries.length; i++) {
                if (!MirrorEntry.valid(entries[i])) {
                    continue;
                }
                long frame = MirrorEntry.frame(entries[i]);
                boolean own = device.memory().contains(frame);
                if (own || !ownOnly) {
                    enter(firstPage + i, frame, MirrorEntry.writable(entries[i]));
                }
                if (own) {
                    device.pool().adopt(frame, table.block(firstPage + i), firstPage + i);
                }
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void enter(long page, long frame, boolean writable) {
        long entry = DeviceEntry.of(frame, writable);
        long old = table.block(page).exchange(page, entry);
        if (old != 0 && old != entry && (DeviceEntry.frame(old) != frame || DeviceEntry.writable(old))) {
            shootDown(page, 1);
        }
    }

    /**
     * Enters those pages of a range that live on this device; a look, no fault.
     *
     * @param firstPage first page
     * @param pages how many
     */
    void mirrorOwn(long firstPage, int pages) {
        for (; ; ) {
            long begun = follow().readBegin();
            long[] entries = RangeFault.snapshot(space, device, Page.address(firstPage), pages);
            if (fill(begun, firstPage, entries, true)) {
                return;
            }
        }
    }
}
