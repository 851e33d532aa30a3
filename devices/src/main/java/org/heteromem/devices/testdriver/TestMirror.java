package org.heteromem.devices.testdriver;

import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager.FrameLocation;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
import org.jspecify.annotations.Nullable;

/**
 * One device's view of one process (Linux: struct dmirror): a table of pages, filled by faults and migrations, emptied by
 * notifications. Addresses are multiples of the page size. Thread-safe.
 *
 * <p>A notification about a migration by the device itself is ignored: the driver corrects its table in the course of
 * the migration.
 */
public final class TestMirror implements AutoCloseable {
    /** The most pages that one fault asks the core for. */
    private static final int FAULT_PAGES = 32;
    /** The most pages that one migration takes: what one leaf of a page table covers. */
    private static final int MIGRATION_PAGES = Page.PER_BLOCK;

    private enum Tag {
        READ_ONLY,
        WRITABLE,
        ATOMIC
    }

    private record Entry(long frame, Tag tag) {}

    private final TestDevice device;
    private final AddressSpace space;
    private final IntervalNotifier notifier;
    private final ReentrantLock lock = new ReentrantLock();
    /** By page number; guarded by the lock, which is also held while the device reads or writes through an entry. */
    private final TreeMap<Long, Entry> table = new TreeMap<>();

    private boolean failNext;

    TestMirror(TestDevice device, AddressSpace space) {
        this.device = device;
        this.space = space;
        this.notifier = IntervalNotifier.insert(space, 0, 1L << (Page.ADDRESS_BITS - 1), this::invalidate);
    }

    AddressSpace space() {
        return space;
    }

    private void invalidate(Invalidation invalidation, long sequence) {
        if (invalidation.reason() == Invalidation.Reason.MIGRATE && invalidation.owner() == device) {
            return;
        }
        lock.lock();
        try {
            notifier.setSequence(sequence);
            table.subMap(Page.of(invalidation.address()), Page.of(invalidation.end()))
                    .clear();
        } finally {
            lock.unlock();
        }
    }

    void forget(long address) {
        lock.lock();
        try {
            table.remove(Page.of(address));
        } finally {
            lock.unlock();
        }
    }

    // ---- reading and writing -----------------------------------------------------------------------------------

    /**
     * Reads whole pages as the device would, faulting in what its table lacks. Pages held exclusively are read in place.
     *
     * @param address first byte
     * @param target where the bytes go; its size is a multiple of the page size
     * @throws MemoryException EFAULT where nothing readable is mapped
     */
    public void read(long address, MemorySegment target) {
        access(address, target, Access.READ);
    }

    /**
     * Writes whole pages as the device would, faulting in what its table lacks or has read-only.
     *
     * @param address first byte
     * @param source the bytes; its size is a multiple of the page size
     * @throws MemoryException EFAULT where nothing is mapped or a page on this device is read-only, EPERM where stores are
     *     not allowed; pages before it may have been written
     */
    public void write(long address, MemorySegment source) {
        access(address, source, Access.WRITE);
    }

    private void access(long address, MemorySegment data, Access access) {
        long page = Page.of(address);
        long end = page + Page.of(data.byteSize());
        for (; ; ) {
            page = copy(page, end, address, data, access);
            if (page == end) {
                return;
            }
            for (long from = page; from < end; from += FAULT_PAGES) {
                fault(from, (int) Math.min(FAULT_PAGES, end - from), access);
            }
        }
    }

    /** {@return the first page without an entry that will do} */
    private long copy(long from, long end, long address, MemorySegment data, Access access) {
        lock.lock();
        try {
            for (long page = from; page < end; page++) {
                Entry entry = table.get(page);
                if (entry == null || (access == Access.WRITE && entry.tag != Tag.WRITABLE)) {
                    return page;
                }
                FrameLocation at = device.manager().locate(entry.frame);
                long offset = Page.address(page) - address;
                if (access == Access.WRITE) {
                    at.store().write(at.offset(), data, offset, Page.SIZE);
                } else {
                    at.store().read(at.offset(), data, offset, Page.SIZE);
                }
            }
            return end;
        } finally {
            lock.unlock();
        }
    }

    private void fault(long page, int count, Access access) {
        for (; ; ) {
            long sequence = notifier.readBegin();
            long[] found = look(page, count, access, sequence);
            if (found == null) {
                continue;
            }
            lock.lock();
            try {
                if (!notifier.readRetry(sequence)) {
                    enter(page, found, access);
                    return;
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private long @Nullable [] look(long page, int count, Access access, long sequence) {
        try {
            return RangeFault.fault(notifier, sequence, device, Page.address(page), count, access);
        } catch (MemoryException e) {
            if (e.errno() == Errno.EBUSY) {
                return null;
            }
            throw e;
        }
    }

    private void enter(long first, long[] found, Access access) {
        for (int i = 0; i < found.length; i++) {
            boolean writable = MirrorEntry.writable(found[i]);
            if (access == Access.WRITE && !writable) {
                // The core reports pages on this device as they are; only their process can make them writable again.
                throw new MemoryException(
                        Errno.EFAULT,
                        "device store at 0x" + Long.toHexString(Page.address(first + i))
                                + ": the page is read-only on '"
                                + device.memory().name() + "'");
            }
            table.put(first + i, new Entry(MirrorEntry.frame(found[i]), writable ? Tag.WRITABLE : Tag.READ_ONLY));
        }
    }

    // ---- looking -----------------------------------------------------------------------------------------------

    /**
     * {@return what the device sees of each page, without changing anything}
     *
     * @param address first byte
     * @param pages how many pages, positive
     */
    public PageState[] snapshot(long address, int pages) {
        long[] entries = RangeFault.snapshot(space, device, address, pages);
        PageState[] states = new PageState[pages];
        for (int i = 0; i < pages; i++) {
            states[i] = state(entries[i]);
        }
        return states;
    }

    private PageState state(long entry) {
        if (MirrorEntry.error(entry)) {
            return PageState.ERROR;
        }
        if (!MirrorEntry.valid(entry)) {
            return PageState.NONE;
        }
        long frame = MirrorEntry.frame(entry);
        boolean write = MirrorEntry.writable(entry);
        if (frame == device.manager().zeroFrame()) {
            return PageState.ZERO_READ;
        }
        DeviceMemory own = device.memory();
        if (own.contains(frame)) {
            return own.kind() == DeviceKind.PRIVATE
                    ? write ? PageState.PRIVATE_WRITE : PageState.PRIVATE_READ
                    : write ? PageState.COHERENT_WRITE : PageState.COHERENT_READ;
        }
        boolean foreign = device.manager().devices().stream().anyMatch(other -> other.contains(frame));
        if (foreign) {
            return write ? PageState.FOREIGN_COHERENT_WRITE : PageState.FOREIGN_COHERENT_READ;
        }
        return write ? PageState.WRITE : PageState.READ;
    }

    /**
     * {@return how many pages of a range live on this device}
     *
     * @param address first byte
     * @param pages how many pages, positive
     */
    public int localPages(long address, int pages) {
        int local = 0;
        for (PageState state : snapshot(address, pages)) {
            local += state.local() ? 1 : 0;
        }
        return local;
    }

    /**
     * Shows the table, for the state checker.
     *
     * @param visitor what to show the entries to
     */
    public void forEachEntry(MirrorView.Visitor visitor) {
        lock.lock();
        try {
            table.forEach(
                    (page, entry) -> visitor.entry(space, Page.address(page), entry.frame, entry.tag != Tag.READ_ONLY));
        } finally {
            lock.unlock();
        }
    }

    // ---- moving ------------------------------------------------------------------------------------------------

    /**
     * Moves pages in RAM, and holes, to this device, mapping by mapping.
     *
     * @param address first byte
     * @param pages how many pages, positive
     * @throws MemoryException EINVAL where nothing readable is mapped; what lies before it has moved
     */
    public void migrateToDevice(long address, int pages) {
        forEachMapping(address, pages, Set.of(Select.SYSTEM), migration -> {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.sources().movable(i) && !mustFail()) {
                    long frame = device.allocate();
                    if (frame != TestDevice.NO_FRAME) {
                        migration.setDestination(i, frame);
                        migration.copy(i);
                    }
                }
            }
            migration.migrate();
            enterMigrated(migration);
        });
    }

    private void enterMigrated(Migration migration) {
        lock.lock();
        try {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.migrated(i) && migration.destination(i) != 0) {
                    Tag tag = migration.sources().writable(i) ? Tag.WRITABLE : Tag.READ_ONLY;
                    table.put(Page.of(migration.sources().address(i)), new Entry(migration.destination(i), tag));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves pages on this device to RAM, mapping by mapping.
     *
     * @param address first byte
     * @param pages how many pages, positive
     * @throws MemoryException EINVAL where nothing readable is mapped; what lies before it has moved. ENOMEM if no frame
     *     could be had
     */
    public void migrateToRam(long address, int pages) {
        Select own = device.memory().kind() == DeviceKind.PRIVATE ? Select.DEVICE_PRIVATE : Select.DEVICE_COHERENT;
        forEachMapping(address, pages, Set.of(own), migration -> {
            if (!TestDevice.bringHome(migration, this)) {
                throw new MemoryException(
                        Errno.ENOMEM,
                        "no frame of RAM for a page of '" + device.memory().name() + "'");
            }
        });
    }

    private interface Step {
        void move(Migration migration);
    }

    private void forEachMapping(long address, int pages, Set<Select> select, Step step) {
        long end = address + Page.address(pages);
        for (long at = address; at < end; ) {
            Area area = areaAt(at);
            if (area == null || !area.protection().readable()) {
                throw new MemoryException(
                        Errno.EINVAL, "cannot migrate: nothing readable is mapped at 0x" + Long.toHexString(at));
            }
            long next = Math.min(Math.min(end, area.address() + area.length()), at + Page.address(MIGRATION_PAGES));
            try (Migration migration = Migration.setup(space, at, next - at, select, device)) {
                step.move(migration);
            }
            at = next;
        }
    }

    private @Nullable Area areaAt(long address) {
        for (Area area : space.areas()) {
            if (address >= area.address() && address - area.address() < area.length()) {
                return area;
            }
        }
        return null;
    }

    /** Makes the next allocation through this mirror fail, once. */
    public void failNextAllocation() {
        lock.lock();
        try {
            failNext = true;
        } finally {
            lock.unlock();
        }
    }

    boolean mustFail() {
        lock.lock();
        try {
            boolean fail = failNext;
            failNext = false;
            return fail;
        } finally {
            lock.unlock();
        }
    }

    // ---- exclusive access --------------------------------------------------------------------------------------

    /**
     * Takes pages from the CPU, one after the other.
     *
     * @param address first byte
     * @param pages how many pages
     * @throws MemoryException as {@link ExclusiveAccess#make}; earlier pages stay exclusive
     */
    public void makeExclusive(long address, int pages) {
        for (int i = 0; i < pages; i++) {
            long at = address + Page.address(i);
            ExclusiveAccess.make(space, at, device, frame -> {
                lock.lock();
                try {
                    table.put(Page.of(at), new Entry(frame, Tag.ATOMIC));
                } finally {
                    lock.unlock();
                }
            });
        }
    }

    /**
     * {@return for each page whether this mirror still has it for itself}
     *
     * @param address first byte
     * @param pages how many pages
     */
    public boolean[] exclusive(long address, int pages) {
        boolean[] held = new boolean[pages];
        lock.lock();
        try {
            for (int i = 0; i < pages; i++) {
                Entry entry = table.get(Page.of(address) + i);
                held[i] = entry != null && entry.tag == Tag.ATOMIC;
            }
        } finally {
            lock.unlock();
        }
        return held;
    }

    /** Stops following the process and evicts the device, of all processes, as the test driver does. */
    @Override
    public void close() {
        notifier.close();
        device.forget(this);
        device.evict();
    }
}
