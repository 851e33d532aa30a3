package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.devices.accelerator.HostMemory;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.policy.Policies;
import org.jspecify.annotations.Nullable;

/**
 * What a client has: an address space, RAM up to a budget, devices behind it, and the evictor, which keeps some of the RAM
 * free. Nothing but the address space until {@link #settle}.
 *
 * <p>The session's thread changes what is here; others may look once the client is welcomed.
 */
final class ClientMemory {
    private final Daemon daemon;
    private final long number;
    private final MemoryManager manager;
    private final OverflowFiles overflowFiles;
    private final LiveMmu mmu;
    private final AddressSpace space;
    private final DurableMemory durable;
    private final CopyOnWriteArrayList<Region> regions = new CopyOnWriteArrayList<>();
    private final List<StorageDevice> devices = new CopyOnWriteArrayList<>();
    private ClientDevices list = ClientDevices.NONE;
    private FrameBudget budget = new FrameBudget(1, 0);
    private long limitPages;
    private volatile Evictor evictor;
    /** The device that computes, if the daemon was given one. */
    private volatile @Nullable Computing computing;

    private volatile boolean ended;

    ClientMemory(Daemon daemon, long number, LiveMmu.Troubles troubles, Log log) {
        this.daemon = daemon;
        this.number = number;
        this.overflowFiles = new OverflowFiles(daemon.options().owner() == 0 ? number : 0, log);
        this.manager = daemon.manager();
        this.mmu = new LiveMmu(troubles, daemon.points());
        this.space = manager.createAddressSpace(mmu);
        this.durable = new DurableMemory("heteromem-" + number + '-', daemon.points());
        this.evictor = new Evictor(manager, space, budget, regions, devices);
    }

    /**
     * Gives the client its budget and its devices.
     *
     * @throws RefusedException if a device cannot be made; then there is none
     */
    void settle(long ram, ClientDevices which, Computing.Answers answers) {
        list = which;
        budget = new FrameBudget(
                Page.of(ram),
                Evictor.reserve(Page.of(ram)),
                Policies.victims(daemon.options().victims()));
        devices.addAll(daemon.devices().overflow(number, which.overflow(), overflowFiles, durable));
        computing = daemon.devices().computing(number, which.computing(), space, durable, new Ram(), answers);
        mmu.setDevices(holders().stream().map(PageHolder::memory).toList());
        // What is promised can be held whatever the pages contain, and one can still come home when all is full.
        limitPages = budget.limit() - 2 * budget.reserve();
        for (StorageDevice device : devices) {
            limitPages += Page.of(device.store().guaranteedBytes());
        }
        evictor = new Evictor(manager, space, budget, regions, devices);
    }

    LiveMmu mmu() {
        return mmu;
    }

    AddressSpace space() {
        return space;
    }

    /** Which devices it has, for a successor. */
    ClientDevices list() {
        return list;
    }

    /** What its devices keep in memory. */
    DurableMemory durable() {
        return durable;
    }

    /** Where its devices keep pages on disks. */
    OverflowFiles overflowFiles() {
        return overflowFiles;
    }

    /** Its regions, in the order in which they came; changed by {@link ClientRegions} only. */
    CopyOnWriteArrayList<Region> regions() {
        return regions;
    }

    /** Its overflow devices, fastest first. */
    List<StorageDevice> devices() {
        return devices;
    }

    @Nullable
    Computing computing() {
        return computing;
    }

    FrameBudget budget() {
        return budget;
    }

    /** How many pages it may fill. */
    long limitPages() {
        return limitPages;
    }

    Evictor evictor() {
        return evictor;
    }

    /** All devices, in the order in which the ledger numbers them. */
    List<PageHolder> holders() {
        List<PageHolder> all = new ArrayList<>();
        devices.forEach(device -> all.add(PageHolder.of(device)));
        Computing computes = computing;
        if (computes != null) {
            all.add(PageHolder.of(computes.accelerator()));
        }
        return all;
    }

    boolean has(MemoryNode node) {
        return regions.stream().anyMatch(region -> region.frames == node);
    }

    /** {@return of how many bytes so many are brought home at once: what was there before may have to go for them} */
    long fetchable(long bytes) {
        return Math.min(bytes, Page.address(budget.limit() / 2));
    }

    /** Brings a range home in pieces, and makes room for each; any thread may. Returns how many pages came. */
    long fetch(long address, long bytes) {
        long fetched = 0;
        for (StorageDevice device : devices) {
            fetched += fetch(device, address, bytes);
        }
        return fetched;
    }

    private long fetch(StorageDevice device, long address, long bytes) {
        long fetched = 0;
        for (long at = address; at < address + bytes && !isOver(); ) {
            long piece = Math.min(Page.address(Placements.SLOTS), address + bytes - at);
            fetched += device.fetch(space, at, piece, this::makeRoom);
            evictor.noticeUse();
            at += piece;
        }
        return fetched;
    }

    private boolean makeRoom() {
        evictor.noticeUse();
        return !isOver() && (budget.free() > 0 || evictor.reclaimNow() > 0);
    }

    /**
     * Sends a range out of RAM, as far as devices take it; any thread may. Returns how many pages went.
     *
     * @param address of the first byte
     * @param bytes at most a block of the page table
     * @param full becomes true when no device takes anything more; then nothing is tried
     */
    long evict(long address, long bytes, AtomicBoolean full) {
        long all = 0;
        // What went may come back meanwhile and go again: not for ever.
        while (!full.get() && !isOver() && all < Page.of(bytes)) {
            AtomicInteger refusals = new AtomicInteger();
            long moved = evictor.evict(address, bytes, refusals);
            all += moved;
            if (refusals.get() == 0) {
                // All that could go has gone.
                break;
            }
            if (moved == 0) {
                full.compareAndSet(false, refusals.get() == devices.size());
                break;
            }
        }
        return all;
    }

    /** Whether there is no point in moving anything more. */
    private boolean isOver() {
        return ended || mmu.isGone() || daemon.isClosed();
    }

    /** The client's RAM, for the accelerator: out of its reach, within the budget, with overflow behind it. */
    private final class Ram implements HostMemory {
        /** The largest part of RAM that pages on their way from an overflow device to the accelerator may have at once. */
        private static final int FETCHED_PART = 8;

        @Override
        public boolean reachable() {
            return false;
        }

        @Override
        public long availableFrames() {
            return budget.free();
        }

        @Override
        public long freeFrames() {
            return Math.max(0, budget.free() - budget.reserve());
        }

        @Override
        public void makeRoom(long frames) {
            long wanted = Math.min(frames, budget.limit() / 2);
            while (!ended && budget.free() < wanted && evictor.reclaimNow() > 0) {
                // until there is enough, or nothing can go
            }
        }

        @Override
        public void fetch(AddressSpace of, long address, long length) {
            if (Page.of(length) > budget.limit() / FETCHED_PART) {
                // It would push out what is in use; pages come one by one instead.
                return;
            }
            ClientMemory.this.fetch(address, length);
        }
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    /** Whether nothing that takes time is begun any more. */
    boolean isEnded() {
        return ended;
    }

    void setEnded() {
        ended = true;
    }

    /** When no page is on them any more. */
    void removeDevices() {
        daemon.devices().remove(devices);
    }

    /**
     * Takes away what is left, when the devices are gone.
     *
     * @return false if a kernel does not end; then the memory of its device stays
     */
    boolean close() {
        Computing computes = computing;
        if (computes == null || computes.close()) {
            durable.close();
            return true;
        }
        return false;
    }
}
