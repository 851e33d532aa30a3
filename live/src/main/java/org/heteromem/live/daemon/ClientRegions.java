package org.heteromem.live.daemon;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.live.keeper.Item;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.RegisterRegion;

/**
 * The regions of one client: how they come, under which limits, what of them is allocated, and how they go. Used by the
 * session's thread, but for {@link #count}.
 */
final class ClientRegions {
    /** Most regions of a client. */
    static final int MAX_REGIONS = 1024;
    /** Longest region: a bit set of its pages must stay small. */
    static final long MAX_REGION_BYTES = 1L << 42;
    /** How much address space a client may have for each byte that it may fill, and how much in any case. */
    private static final int SPACE_FACTOR = 2;

    private static final long FREE_SPACE_BYTES = 1L << 30;
    private static final long PASSING_NANOS = 10_000_000_000L;
    private static final long PAUSE_NANOS = 100_000;
    private static final String REGION_MEMORY = "client ";

    private final Daemon daemon;
    private final MemoryManager manager;
    private final long number;
    private final ClientMemory memory;
    private final FaultPump pump;
    private final ClientPins pins;
    private final ClientCustody custody;
    private final Map<Integer, Region> byId = new ConcurrentHashMap<>();
    private long allocatedPages;

    ClientRegions(
            Daemon daemon, long number, ClientMemory memory, FaultPump pump, ClientPins pins, ClientCustody custody) {
        this.daemon = daemon;
        this.manager = daemon.manager();
        this.number = number;
        this.memory = memory;
        this.pump = pump;
        this.pins = pins;
        this.custody = custody;
    }

    /** Whether a memory's name in the core's events is that of a region, which is RAM. */
    static boolean isRegion(String name) {
        return name.startsWith(REGION_MEMORY);
    }

    /** How many there are; may be asked by any thread. */
    int count() {
        return byId.size();
    }

    boolean has(int id) {
        return byId.containsKey(id);
    }

    Region need(int id) {
        Region region = byId.get(id);
        if (region == null) {
            throw new RefusedException(ErrorCode.UNKNOWN_REGION, "there is no region " + id);
        }
        return region;
    }

    // ---- how they come and go ----------------------------------------------------------------------------------

    /** A region costs descriptors, and tables for its pages whether or not they are used. */
    private void requireRoom(long bytes) {
        long mapped =
                memory.regions().stream().mapToLong(region -> region.bytes).sum();
        long most = Page.address(memory.limitPages()) * SPACE_FACTOR + FREE_SPACE_BYTES;
        if (count() >= MAX_REGIONS || bytes > MAX_REGION_BYTES || mapped + bytes > most) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "a region of " + bytes + " bytes beside " + count() + " others of " + mapped
                            + " bytes: the limits are " + MAX_REGIONS + " regions of " + MAX_REGION_BYTES
                            + " bytes, and " + most + " bytes for all, as there are "
                            + Page.address(memory.limitPages())
                            + " of RAM and overflow; give the daemon a larger overflow");
        }
        if (!daemon.mayRegister(count())) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "the daemon has no descriptors left for another region beside " + count()
                            + "; raise its limit of open files (ulimit -n)");
        }
    }

    /**
     * Takes a region on.
     *
     * @param descriptors its memory and its userfaultfd, which this takes over in any case
     */
    void register(RegisterRegion request, List<Fd> descriptors) {
        Fd memfd = descriptors.get(0);
        Fd userfault = descriptors.get(1);
        boolean kept = false;
        try {
            int id = request.region();
            long address = request.address();
            long bytes = request.bytesMapped();
            Region same = byId.get(id);
            if (same != null && same.address == address && same.bytes == bytes) {
                // Asked again after a predecessor died with the answer.
                return;
            }
            if (same != null) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, "there is a region " + id + " already");
            }
            requireRoom(bytes);
            for (Region other : memory.regions()) {
                if (other.meets(address, bytes)) {
                    throw new RefusedException(ErrorCode.BAD_RANGE, "the region would overlap " + other);
                }
            }
            String what = "region " + id + " of client " + number;
            Memfd file;
            try {
                file = Memfd.adoptRegion(memfd, what, Page.SIZE);
            } catch (IllegalArgumentException e) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, String.valueOf(e.getMessage()));
            }
            if (file.status().sizeBytes() < bytes) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        what + ": its memfd has " + file.status().sizeBytes() + " bytes, " + bytes + " were named");
            }
            Userfault faults;
            try {
                faults = Userfault.adopt(userfault, what);
            } catch (IllegalArgumentException e) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, String.valueOf(e.getMessage()));
            }
            Region region;
            try {
                region = map(
                        id,
                        request.name(),
                        address,
                        bytes,
                        file,
                        faults,
                        Ledger.create("heteromem-" + number + "-ledger-" + id, Page.of(bytes)));
            } catch (NativeException e) {
                throw new RefusedException(
                        ErrorCode.LIMIT, what + ": the daemon cannot have what it needs for it: " + e.getMessage());
            }
            kept = true;
            daemon.points().passed(FailPoint.REGISTERED);
            custody.entrust(region);
            daemon.points().passed(FailPoint.REGISTER_HELD);
        } finally {
            if (!kept) {
                memfd.close();
                userfault.close();
            }
        }
    }

    /** Takes on those of a predecessor; where their pages are is for {@link Takeover} to find. */
    void inherit(List<Item> items) {
        custody.inheritRegions(
                items,
                (id, name, address, bytes, file, faults, ledger) ->
                        allocatedPages += map(id, name, address, bytes, file, faults, ledger)
                                .allocated
                                .size());
    }

    private Region map(
            int id, String regionName, long address, long bytes, Memfd file, Userfault faults, Ledger ledger) {
        Placements placements = null;
        HomedMemory frames = null;
        try {
            placements = new Placements(Page.of(address));
            LiveStore store = new LiveStore(file, bytes, placements);
            frames = manager.addHomedMemory(REGION_MEMORY + number + " region " + id, store, memory.budget());
        } finally {
            if (frames == null) {
                if (placements != null) {
                    placements.close();
                }
                ledger.close();
            }
        }
        Region region = new Region(id, regionName, address, bytes, file, faults, ledger, placements, frames);
        memory.mmu().add(region);
        memory.space().mapHomed(address, frames, Protection.READ_WRITE);
        byId.put(id, region);
        memory.regions().add(region);
        pump.add(faults);
        return region;
    }

    void unregister(Region region) {
        byId.remove(region.id);
        memory.regions().remove(region);
        allocatedPages -= region.allocated.size();
        pins.letGoOf(region.address, region.bytes);
        pump.remove(region.faults);
        memory.space().unmap(region.address, region.bytes);
        memory.mmu().remove(region);
        removeFrames(region);
        daemon.points().passed(FailPoint.UNMAPPED);
        custody.release(region);
        daemon.points().passed(FailPoint.UNREGISTERED);
        region.close();
    }

    /** Who is just looking whether one of its pages is cold holds it for a moment, and is not waited for by the core. */
    private void removeFrames(Region region) {
        long deadline = System.nanoTime() + PASSING_NANOS;
        for (; ; ) {
            try {
                manager.removeHomedMemory(region.frames);
                return;
            } catch (MemoryException e) {
                if (e.errno() != Errno.EBUSY || System.nanoTime() - deadline > 0) {
                    throw e;
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    // ---- what of them is in use --------------------------------------------------------------------------------

    /** Refuses what could not be held if every page of it were filled. */
    void requireAllocatable(long pages) {
        if (allocatedPages + pages > memory.limitPages()) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "cannot allocate " + Page.address(pages) + " bytes: " + Page.address(allocatedPages) + " of "
                            + Page.address(memory.limitPages())
                            + " bytes of RAM and overflow are in use; give the daemon a larger overflow");
        }
    }

    /** Notes that pages, counted from the region's first, are in use. */
    void allocate(Region region, long first, long pages) {
        allocatedPages += region.allocated.add(first, pages);
    }

    /** Notes that they are not any more; returns how many were. */
    long free(Region region, long first, long pages) {
        long freed = region.allocated.remove(first, pages);
        allocatedPages -= freed;
        return freed;
    }
}
