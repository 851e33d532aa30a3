package org.heteromem.devices.accelerator;

import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongPredicate;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryHold;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.Move;
import org.heteromem.core.policy.PageRange;
import org.heteromem.core.policy.Place;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.core.policy.PressureHandler;

/**
 * An emulated accelerator: un-addressable memory, and compute units that run kernels against the addresses of a process.
 * Pages come by faults, in batches, as the policy says; they leave when a CPU touches them or when there is no room.
 * Thread-safe. Starts no threads and reads no clock: both are handed in.
 */
public final class Accelerator implements AutoCloseable {
    private static final BitSet NONE = new BitSet();
    private static final int EVICT_ROUNDS = 1000;

    private final Machinery device;
    private final FaultService faults;
    private final Inflow inflow;
    private final PressureRelief relief;
    private final int units;
    private final Executor unitExecutor;
    private volatile boolean closed;

    Accelerator(AcceleratorBuilder builder) {
        this.device = new Machinery(builder);
        this.faults = new FaultService(device, builder.faultExecutor);
        this.inflow = new Inflow(device);
        this.relief = new PressureRelief(device);
        this.units = builder.units;
        this.unitExecutor = builder.unitExecutor;
    }

    /**
     * {@return a builder for an accelerator}
     *
     * @param manager the machine it belongs to
     * @param policies who decides what moves
     */
    public static AcceleratorBuilder builder(MemoryManager manager, PolicySet policies) {
        return new AcceleratorBuilder(manager, policies);
    }

    /** {@return its memory} */
    public DeviceMemory memory() {
        return device.memory();
    }

    /** {@return how many compute units it has} */
    public int units() {
        return units;
    }

    /** {@return who decides} */
    public PolicySet policies() {
        return device.policies();
    }

    /** {@return what it has done so far} */
    public AcceleratorStatistics statistics() {
        return device.tally().snapshot();
    }

    /** {@return how many frames of its memory are free} */
    public long freeFrames() {
        return device.pool().free();
    }

    /** {@return the blocks that have pages on the device, in order of arrival} */
    public List<BlockView> blocks() {
        return device.pool().residents();
    }

    /**
     * {@return who makes room in RAM by moving cold pages to this device}
     *
     * @see MemoryManager#setPressureHandler
     */
    public PressureHandler pressureHandler() {
        return relief;
    }

    // ---- kernels -----------------------------------------------------------------------------------------------

    /**
     * Starts a kernel on all compute units. Its accesses see the same memory as those of the process's CPUs.
     *
     * <p>An access that is not allowed ends the kernel on that unit with an {@link org.heteromem.core.AccessException} that
     * carries the address; whatever a kernel throws, the other units and the process go on.
     *
     * @param space the process
     * @param kernel what each unit runs
     * @return the kernel under way
     * @throws MemoryException EINVAL if the process has exited or the accelerator is closed
     */
    public Launch launch(AddressSpace space, Kernel kernel) {
        if (closed || space.exited()) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "no kernel can start on '" + memory().name() + "': "
                            + (closed ? "the device is closed" : "address space " + space.id() + " has exited"));
        }
        Mirror mirror = device.mirror(space);
        mirror.follow();
        device.nextUseTime();
        device.tally().launches.increment();
        Launch launch = new Launch(units, device.waiting());
        for (int unit = 0; unit < units; unit++) {
            int number = unit;
            try {
                unitExecutor.execute(() -> run(mirror, kernel, number, launch));
            } catch (RejectedExecutionException e) {
                fail(launch, number, e);
                launch.unitDone();
            }
        }
        return launch;
    }

    private void run(Mirror mirror, Kernel kernel, int number, Launch launch) {
        ComputeUnit unit = new ComputeUnit(device, mirror, faults);
        mirror.attach(unit);
        try (MemoryHold _ = device.manager().hold()) {
            kernel.run(unit, number, units);
        } catch (Throwable e) {
            fail(launch, number, e);
        } finally {
            mirror.detach(unit);
            launch.unitDone();
        }
    }

    private void fail(Launch launch, int unit, Throwable cause) {
        device.tally().failedUnits.increment();
        launch.failed(unit, cause);
    }

    /**
     * Serves one batch of faults on the calling thread, for who drives the device by hand.
     *
     * @return how many faults there were, at most 256
     */
    public int serviceFaults() {
        return faults.serveBatch();
    }

    // ---- moves by wish -----------------------------------------------------------------------------------------

    /**
     * Brings a range to the device ahead of need. Best effort: what cannot come stays.
     *
     * @param space the process
     * @param address first byte
     * @param length bytes, positive; the range is widened to whole pages
     */
    public void prefetch(AddressSpace space, long address, long length) {
        long end = Page.of(checkedEnd(address, length) - 1) + 1;
        Mirror mirror = device.mirror(space);
        mirror.follow();
        device.nextUseTime();
        for (long page = Page.of(address); page < end; ) {
            DeviceBlock block = mirror.table().block(page);
            long stop = Math.min(end, block.firstPage() + Page.PER_BLOCK);
            PageRange range = new PageRange((int) (page - block.firstPage()), (int) (stop - page));
            block.use(device.useTime());
            inflow.bring(mirror, block, range, NONE);
            page = stop;
        }
    }

    private static long checkedEnd(long address, long length) {
        long end = address + length;
        if (address < 0 || length <= 0 || end < 0 || end > 1L << Page.ADDRESS_BITS) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "cannot prefetch " + length + " bytes at 0x" + Long.toHexString(address)
                            + ": not a range of a 48-bit address space");
        }
        return end;
    }

    /** Lets the policy move pages ahead of need; to be called now and then by whoever owns time. */
    public void tick() {
        List<BlockView> blocks = device.pool().residents();
        for (Move move : device.policies().placement().tick(blocks, device.view())) {
            if (move.block() instanceof DeviceBlock block && blocks.contains(block)) {
                carryOut(block, move.pages(), move.place());
            }
        }
    }

    private void carryOut(DeviceBlock block, PageRange pages, Place place) {
        if (place == Place.RAM) {
            BitSet keep = new BitSet(Page.PER_BLOCK);
            keep.set(0, Page.PER_BLOCK);
            keep.clear(pages.first(), pages.end());
            device.eviction().evict(block, keep);
            return;
        }
        device.mirrors().stream()
                .filter(mirror -> mirror.space().id() == block.space())
                .findFirst()
                .ifPresent(mirror -> inflow.bring(mirror, block, pages, NONE));
    }

    /**
     * Moves what of a range is on the device to RAM, as far as RAM has room. Pages that are busy stay.
     *
     * @param space whose pages
     * @param address first byte
     * @param length bytes, positive; the range is widened to whole pages
     * @return how many pages went
     */
    public long evict(AddressSpace space, long address, long length) {
        long end = Page.of(checkedEnd(address, length) - 1) + 1;
        Mirror mirror = device.mirror(space);
        long moved = 0;
        for (long page = mirror.table().nextCovered(Page.of(address), end);
                page < end;
                page = mirror.table().nextCovered(page, end)) {
            DeviceBlock block = mirror.table().block(page);
            long stop = Math.min(end, block.firstPage() + Page.PER_BLOCK);
            BitSet keep = new BitSet(Page.PER_BLOCK);
            keep.set(0, Page.PER_BLOCK);
            keep.clear((int) (page - block.firstPage()), (int) (stop - block.firstPage()));
            moved += block.pagesOnDevice() == 0 ? 0 : device.eviction().evict(block, keep);
            page = stop;
        }
        return moved;
    }

    /**
     * Moves all pages to RAM, of all processes.
     *
     * @return how many could not go: RAM is full or somebody outside holds them
     */
    public long evictAll() {
        for (int round = 0; round < EVICT_ROUNDS && device.pool().inUseCount() > 0; round++) {
            int moved = evictResidents();
            if (moved == 0) {
                Thread.yield();
            }
        }
        return device.pool().inUseCount();
    }

    private int evictResidents() {
        if (device.host().reachable()) {
            int moved = device.eviction().moveToRam(device.pool().inUse());
            device.tally().evictedPages.add(moved);
            return moved;
        }
        int moved = 0;
        for (BlockView block : device.pool().residents()) {
            moved += block instanceof DeviceBlock own ? device.eviction().evict(own, NONE) : 0;
        }
        return moved;
    }

    // ---- after a restart ---------------------------------------------------------------------------------------

    /**
     * Takes over what a predecessor left in the memory, given by {@link AcceleratorBuilder#store}; before any page is moved.
     * Frames in use are kept for {@link #restore}, all others are free.
     *
     * @param usedFrames which frames are in use, counted from the first, by the tables of whoever restores
     */
    public void recover(LongPredicate usedFrames) {
        for (int frame = 0; frame < device.pool().frames(); frame++) {
            if (usedFrames.test(frame) && !device.pool().claim(frame)) {
                throw new IllegalStateException("frame " + frame + " of device '" + memory().name()
                        + "' is in use already; recover before pages are moved");
            }
        }
    }

    /**
     * Maps pages whose contents are here since before a restart.
     *
     * @param space whose pages
     * @param address address of the first, a multiple of the page size; the pages lie in one private anonymous area
     * @param frameOfPage for each page its frame, counted from the first, or -1
     * @return how many were mapped: all that had a frame, unless a page was there already or the frame was not kept by {@link
     *     #recover}
     * @throws MemoryException EINVAL if the range is not inside one area
     */
    public int restore(AddressSpace space, long address, int[] frameOfPage) {
        Mirror mirror = device.mirror(space);
        try (Migration migration =
                Migration.setup(space, address, Page.address(frameOfPage.length), Set.of(), device)) {
            SourceEntries sources = migration.sources();
            for (int i = 0; i < frameOfPage.length; i++) {
                if (!sources.hole(i) || !sources.movable(i) || !device.pool().taken(frameOfPage[i])) {
                    continue;
                }
                long frame = memory().firstFrame() + frameOfPage[i];
                if (memory().references(frame) == 0) {
                    long page = Page.of(address) + i;
                    memory().initFrame(frame);
                    device.pool().assign(frame, mirror.table().block(page), page);
                    migration.setDestination(i, frame);
                }
            }
            return migration.migrate();
        }
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    /**
     * Moves everything home, stops following processes and takes the memory away. No kernel may be under way.
     *
     * @throws MemoryException EBUSY if pages cannot leave; the device stays as it is then
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        evictAll();
        device.manager().removeDevice(device.memory());
        closed = true;
        device.mirrors().forEach(Mirror::close);
    }
}
