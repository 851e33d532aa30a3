package org.heteromem.devices.storage;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.migrate.SourceEntries;

/**
 * A device that holds pages which do not fit in RAM, and computes nothing. Its frames are {@link DeviceKind#PRIVATE}: a
 * touch brings the page home. A <em>slot</em> is a frame counted from the device's first: it stays the same over a restart,
 * where frame numbers may not.
 *
 * <p>No page is lost that need not be: a page that finds the store full, or whose write fails, stays in RAM; a page that
 * cannot be read fails its touch with an error that names device and offset, for ever if its contents are gone, for this
 * time if only the medium failed; all other pages go on. Thread-safe.
 */
public final class StorageDevice implements DeviceDriver {
    /** The most pages that move in one migration: a longer one would keep touches waiting for it. */
    public static final int BATCH_PAGES = Page.PER_BLOCK;

    /** In {@link #restore}: nothing is stored for this page. */
    public static final int NO_SLOT = -1;

    /** How often in a row room is made for pages of a batch and none of them comes. */
    private static final int MOST_VAIN = 16;

    private static final Set<Select> FROM_RAM = EnumSet.of(Select.SYSTEM);
    private static final Set<Select> FROM_DEVICE = EnumSet.of(Select.DEVICE_PRIVATE);

    private final MemoryManager manager;
    private final PageStore store;
    private final StorageOptions options;
    private final DeviceMemory memory;
    private final SlotPool slots;
    private final ArrivalQueue arrivals;
    private final Copies copies;
    private final Traffic traffic = new Traffic();
    private final Outbound outbound;
    private final Inbound inbound;
    /** How many threads move pages in bulk. */
    private final AtomicInteger moving = new AtomicInteger();

    private StorageDevice(MemoryManager manager, PageStore store, StorageOptions options) {
        long pages = Page.of(store.byteSize());
        if (pages > ArrivalQueue.MAX_SLOTS) {
            throw new IllegalArgumentException("device '" + store.name() + "' would have " + pages
                    + " pages; the most is " + ArrivalQueue.MAX_SLOTS + ": split it into several devices");
        }
        this.manager = manager;
        this.store = store;
        this.options = options;
        this.slots = new SlotPool((int) pages);
        this.memory = manager.addDevice(new DeviceMemory.Spec(store.name(), DeviceKind.PRIVATE, this, store), this);
        this.arrivals = new ArrivalQueue((slot, arrival) -> {
            long frame = memory.firstFrame() + slot;
            long word = memory.driverData(frame);
            return word != 0 && Outbound.arrival(word) == arrival && !memory.isCopy(frame);
        });
        this.copies = new Copies(memory, store, options.copies(), traffic);
        this.outbound = new Outbound(this);
        this.inbound = new Inbound(this);
    }

    /**
     * Adds a device to a machine.
     *
     * @param manager the machine's memory, which closes the store at its end
     * @param store the bytes
     * @param options the rest; its name is not looked at
     * @return the device
     * @throws MemoryException ENOMEM if the machine has no physical addresses for it
     */
    public static StorageDevice add(MemoryManager manager, PageStore store, StorageOptions options) {
        return new StorageDevice(manager, store, options);
    }

    /** {@return the memory, as the core sees it} */
    public DeviceMemory memory() {
        return memory;
    }

    /** {@return the bytes} */
    public PageStore store() {
        return store;
    }

    /** {@return the device's name} */
    public String name() {
        return store.name();
    }

    /** {@return what it holds and has done} */
    public StorageStatistics statistics() {
        int present = copies.present();
        return traffic.statistics(Math.max(0, slots.slots() - slots.freeCount() - present), present, store);
    }

    MemoryManager manager() {
        return manager;
    }

    SlotPool slots() {
        return slots;
    }

    ArrivalQueue arrivals() {
        return arrivals;
    }

    Copies copies() {
        return copies;
    }

    Staging staging() {
        return options.buffers().staging();
    }

    Traffic traffic() {
        return traffic;
    }

    EvictionClock clock() {
        return options.clock();
    }

    @Override
    public String toString() {
        return store.description();
    }

    // ---- RAM -> device -----------------------------------------------------------------------------------------

    /**
     * Moves pages from RAM to the device, in batches of at most {@link #BATCH_PAGES}. Passed over are pages that are not in
     * RAM, that somebody holds, and locked areas; nothing is made where there is no page.
     *
     * @param space whose pages
     * @param address first byte, a multiple of the page size
     * @param length bytes, a multiple of the page size; what is not mapped is passed over
     * @return how many pages moved; the rest stays, also if the device is full or fails
     * @throws MemoryException EINVAL if address or length is not whole pages
     */
    public long evict(AddressSpace space, long address, long length) {
        return evict(space, address, length, () -> {});
    }

    /**
     * Moves pages from RAM to the device, and says whether that is why some stay.
     *
     * @param space as above
     * @param address as above
     * @param length as above
     * @param refused called if the device is full or fails, after which nothing more is tried
     * @return as above
     * @throws MemoryException as above
     */
    public long evict(AddressSpace space, long address, long length, Runnable refused) {
        return move(space, address, length, Direction.OUT, () -> {
            refused.run();
            return false;
        });
    }

    /**
     * Moves pages from RAM to the device, by their frames and in all processes. Passed over is what is not anonymous, held or
     * not in RAM.
     *
     * @param ramFrames frame numbers, as {@link MemoryManager#coldFrames} gives them; neighbours side by side move fastest
     * @return how many pages moved
     */
    public long evictFrames(long... ramFrames) {
        return moving(() -> evictInBatches(ramFrames));
    }

    private long evictInBatches(long... ramFrames) {
        long moved = 0;
        for (int from = 0; from < ramFrames.length; from += BATCH_PAGES) {
            int n = Math.min(BATCH_PAGES, ramFrames.length - from);
            long[] batch = new long[n];
            System.arraycopy(ramFrames, from, batch, 0, n);
            try (Migration migration = Migration.ofFrames(manager, batch)) {
                Outbound.Result result = outbound.move(migration, null);
                traffic.pagesOut.add(result.moved());
                moved += result.moved();
                if (result.ended()) {
                    break;
                }
            }
        }
        return moved;
    }

    // ---- device -> RAM -----------------------------------------------------------------------------------------

    @Override
    public DriverResult migrateToRam(DeviceFault fault) {
        long page = Page.of(fault.address());
        int around = Integer.highestOneBit(
                Math.clamp(options.faultAround().pages(fault.space(), page), 1, FaultAround.MAX_PAGES));
        long from = Math.max(page & -around, Page.of(fault.areaStart()));
        long to = Math.min((page & -around) + around, Page.of(fault.areaEnd()));
        int touched = (int) (page - from);
        long word = memory.driverData(fault.frame());
        Inbound.Batch batch = inbound.forFault(fault, Page.address(from), Page.address(to - from), touched);
        try {
            return bringHome(fault, batch, word);
        } finally {
            inbound.giveBack(batch);
        }
    }

    private DriverResult bringHome(DeviceFault fault, Inbound.Batch batch, long word) {
        long page = Page.of(fault.address());
        boolean home;
        try (batch) {
            if (!batch.stillThere()) {
                return DriverResult.DONE;
            }
            if (!batch.allocate()) {
                return DriverResult.NO_MEMORY;
            }
            int moved = batch.move();
            home = batch.touchedCame();
            traffic.pagesFaulted.add(home ? 1 : 0);
            traffic.pagesAhead.add(moved - (home ? 1 : 0));
        }
        batch.noteCopies();
        fault.leaveBehind(Math.min(options.faultAround().arrived(fault.space(), page), FaultAround.MAX_PAGES));
        StorageException failure = batch.failure();
        if (failure != null) {
            // The core hands its words on to whoever touched the page.
            throw failure;
        }
        if (home && word != 0) {
            options.refaults().refault(fault.space(), page, clock().distance(Outbound.time(word)));
        }
        return DriverResult.DONE;
    }

    /**
     * Brings pages home ahead of their use, in batches of at most {@link #BATCH_PAGES}, neighbours in one go. Makes no room:
     * it ends when RAM has no frame left.
     *
     * @param space whose pages
     * @param address first byte, a multiple of the page size
     * @param length bytes, a multiple of the page size; what is not mapped or not on this device is passed over
     * @return how many pages came
     * @throws MemoryException EINVAL if address or length is not whole pages
     */
    public long fetch(AddressSpace space, long address, long length) {
        return fetch(space, address, length, () -> false);
    }

    /**
     * Brings pages home ahead of their use where RAM is short.
     *
     * @param space as above
     * @param address as above
     * @param length as above
     * @param makeRoom called when pages stay for want of frames: makes some free, by means that take no page lock of this
     *     thread, and returns whether it is worth trying again; where others take them that ends nevertheless
     * @return as above
     * @throws MemoryException as above
     */
    public long fetch(AddressSpace space, long address, long length, BooleanSupplier makeRoom) {
        return move(space, address, length, Direction.IN, makeRoom);
    }

    // ---- device -> device --------------------------------------------------------------------------------------

    /**
     * Moves the pages that have been here longest to another device. They keep the time at which they left RAM.
     *
     * @param slower where to
     * @param pages how many at most
     * @return how many went; fewer if they were busy, could not be read, or found no room
     */
    public long demoteTo(StorageDevice slower, long pages) {
        if (slower == this || slower.manager != manager) {
            throw new IllegalArgumentException("device '" + name() + "' cannot demote to '" + slower.name()
                    + "': another device of its machine is needed");
        }
        return moving(() -> demoteInBatches(slower, pages));
    }

    private long demoteInBatches(StorageDevice slower, long pages) {
        long moved = 0;
        for (long tried = 0; tried < pages; ) {
            long[] coldest = arrivals.poll((int) Math.min(BATCH_PAGES, pages - tried));
            if (coldest.length == 0) {
                break;
            }
            tried += coldest.length;
            Outbound.Result result = demote(slower, coldest);
            moved += result.moved();
            if (result.ended()) {
                break;
            }
        }
        return moved;
    }

    private Outbound.Result demote(StorageDevice slower, long[] coldest) {
        long[] frames = new long[coldest.length];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = memory.firstFrame() + ArrivalQueue.slot(coldest[i]);
        }
        Outbound.Result result;
        try (Migration migration = Migration.ofFrames(manager, frames)) {
            result = slower.outbound.move(migration, memory);
            for (int i = 0; i < frames.length; i++) {
                // What stays has lost its place at the front, or it would be tried for ever.
                // By the number that it came with: a page that came to the slot meanwhile has a place of its own.
                if (!migration.migrated(i)) {
                    arrivals.add(ArrivalQueue.slot(coldest[i]), 1, ArrivalQueue.arrival(coldest[i]));
                }
            }
        }
        traffic.pagesDemotedOut.add(result.moved());
        slower.traffic.pagesDemotedIn.add(result.moved());
        return result;
    }

    // ---- frames ------------------------------------------------------------------------------------------------

    @Override
    public void frameFreed(DeviceMemory from, long frame) {
        give(slotOf(frame), 1);
    }

    @Override
    public void framesFreed(DeviceMemory from, long[] frames, int count) {
        RuntimeException failed = null;
        for (int i = 0; i < count; ) {
            // A migration lets go of its last page first.
            int run = 1;
            while (i + run < count && frames[i + run] == frames[i] - run) {
                run++;
            }
            i += run;
            try {
                give(slotOf(frames[i - 1]), run);
            } catch (RuntimeException e) {
                failed = failed == null ? e : failed;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }

    private void give(int slot, int pages) {
        for (int i = slot; i < slot + pages; i++) {
            copies.freed(i);
        }
        store.discard(Page.address(slot), Page.address(pages));
        slots.give(slot, pages);
    }

    /**
     * Gives up copies of pages that are in RAM, oldest first.
     *
     * @param pages how many at most
     * @return how many; fewer if there are no more
     */
    public int dropCopies(int pages) {
        return copies.drop(pages);
    }

    /**
     * {@return the slot that a frame is}
     *
     * @param frame a frame of this device
     */
    public int slotOf(long frame) {
        return (int) Page.of(memory.offset(frame));
    }

    /**
     * {@return how many slots are free: how many pages could come, were the store not full before}
     */
    public int freeSlots() {
        return slots.freeCount();
    }

    /**
     * Compares the device's books with each other, slot by slot; while nothing is under way.
     *
     * @return what is wrong, for people; empty if nothing is
     */
    public List<String> audit() {
        return StorageAudit.of(this);
    }

    // ---- after a restart ---------------------------------------------------------------------------------------

    /**
     * Takes over what a predecessor left in the store; before any page is moved. Slots in use are kept for {@link #restore},
     * all others are free.
     *
     * @param usedSlots which slots are in use, by the tables of whoever restores
     * @return how many pages the store holds; a used slot without contents is found when its page is touched
     */
    public long recover(LongPredicate usedSlots) {
        long kept = store.recover(usedSlots);
        for (int slot = 0; slot < slots.slots(); slot++) {
            if (usedSlots.test(slot) && !slots.claim(slot)) {
                throw new IllegalStateException("slot " + slot + " of device '" + name()
                        + "' is in use already; recover before pages are moved");
            }
        }
        return kept;
    }

    /**
     * Maps pages whose contents are here since before a restart.
     *
     * @param space whose pages
     * @param address address of the first, a multiple of the page size; the pages lie in one private anonymous area
     * @param slotOfPage for each page its slot, or {@link #NO_SLOT}; at most {@link Migration#MAX_PAGES}
     * @return how many were mapped: all that had a slot, unless a page was there already or the slot was not kept by {@link
     *     #recover}
     * @throws MemoryException EINVAL if the range is not inside one area
     */
    public int restore(AddressSpace space, long address, int[] slotOfPage) {
        try (Migration migration = Migration.setup(space, address, Page.address(slotOfPage.length), FROM_RAM, this)) {
            SourceEntries sources = migration.sources();
            int arrival = arrivals.number(slotOfPage.length);
            for (int i = 0; i < slotOfPage.length; i++) {
                int slot = slotOfPage[i];
                if (slot == NO_SLOT || !sources.hole(i) || !sources.movable(i) || !slots.taken(slot)) {
                    continue;
                }
                long frame = memory.firstFrame() + slot;
                if (memory.references(frame) != 0) {
                    continue;
                }
                memory.initFrame(frame);
                memory.setDriverData(frame, Outbound.word(clock().now(), (arrival + i) & ArrivalQueue.ARRIVAL_MASK));
                migration.setDestination(i, frame);
            }
            int mapped = migration.migrate();
            for (int i = 0; i < slotOfPage.length; i++) {
                if (slotOfPage[i] != NO_SLOT && migration.destination(i) != 0 && migration.migrated(i)) {
                    arrivals.add(slotOfPage[i], 1, (arrival + i) & ArrivalQueue.ARRIVAL_MASK);
                }
            }
            return mapped;
        }
    }

    // ---- ranges ------------------------------------------------------------------------------------------------

    private enum Direction {
        OUT,
        IN
    }

    /** {@return whether somebody moves pages in bulk just now, and has them in hand meanwhile} */
    boolean isMoving() {
        return moving.get() > 0;
    }

    private long moving(LongSupplier work) {
        moving.getAndIncrement();
        try {
            return work.getAsLong();
        } finally {
            moving.getAndDecrement();
        }
    }

    /**
     * @param noRoom called where the other side has no room for pages; whether to go on
     */
    private long move(AddressSpace space, long address, long length, Direction direction, BooleanSupplier noRoom) {
        if (((address | length) & Page.OFFSET_MASK) != 0 || address < 0 || length < 0 || address + length < 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "cannot move " + length + " bytes at 0x" + Long.toHexString(address) + ": whole pages are needed");
        }
        return moving(() -> inBatches(space, address, address + length, direction, noRoom));
    }

    private long inBatches(AddressSpace space, long address, long end, Direction direction, BooleanSupplier noRoom) {
        long moved = 0;
        for (Area area : space.areas(address, end - address)) {
            long from = Math.max(address, area.address());
            long to = Math.min(end, area.address() + area.length());
            if (direction == Direction.OUT && area.locked()) {
                continue;
            }
            while (from < to) {
                // A batch ends where a block of the page table ends: the next ones are whole.
                long blockEnd = (from | (Page.address(BATCH_PAGES) - 1)) + 1;
                long stop = Math.min(to, blockEnd);
                if (direction == Direction.IN) {
                    moved += fetchBatch(space, from, stop - from, noRoom);
                } else {
                    Outbound.Result result = batch(space, from, stop - from, direction);
                    moved += result.moved();
                    if (result.ended() && !noRoom.getAsBoolean()) {
                        return moved;
                    }
                }
                from = stop;
            }
        }
        return moved;
    }

    /** What comes may have to leave again for others who want its frame: it ends when so many have come as there can be. */
    private long fetchBatch(AddressSpace space, long address, long length, BooleanSupplier makeRoom) {
        long moved = 0;
        for (int vain = 0; vain < MOST_VAIN && moved < Page.of(length); ) {
            Outbound.Result result = batch(space, address, length, Direction.IN);
            moved += result.moved();
            vain = result.moved() > 0 ? 0 : vain + 1;
            if (!result.ended() || !makeRoom.getAsBoolean()) {
                break;
            }
        }
        return moved;
    }

    private Outbound.Result batch(AddressSpace space, long address, long length, Direction direction) {
        Set<Select> select = direction == Direction.OUT ? FROM_RAM : FROM_DEVICE;
        Migration migration;
        try {
            migration = Migration.setup(space, address, length, select, this);
        } catch (MemoryException e) {
            Area area = space.areaAt(address);
            if (area == null || area.address() + area.length() < address + length) {
                // The process changed its areas meanwhile: what is gone needs no move.
                return new Outbound.Result(0, false);
            }
            throw e;
        }
        Inbound.Batch batch;
        int came;
        boolean all;
        try (migration) {
            if (direction == Direction.OUT) {
                Outbound.Result result = outbound.move(migration, null);
                traffic.pagesOut.add(result.moved());
                return result;
            }
            batch = inbound.ahead(migration);
            all = batch.allocate();
            came = batch.move();
            traffic.pagesAhead.add(came);
        }
        batch.noteCopies();
        return new Outbound.Result(came, !all);
    }
}
