package org.heteromem.live.client;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.live.RefusedException;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.UnregisterRegion;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * Hands out runs of pages, and knows whose each is. Thread-safe.
 *
 * <pre>
 *   region 0 (slab, 64 MiB)                 region 1 (an allocation of 32 MiB or more: its own)
 *   +------+----+-------+------ - - -+      +------------------------------------------+
 *   | A    | B  | free  | A          |      | C                                        |
 *   +------+----+-------+------ - - -+      +------------------------------------------+
 * </pre>
 *
 * <p>Pages go through {@code free -> reserved here -> ALLOCATE answered -> used -> FREE answered -> free}: while a run is on
 * its way in either direction nobody else can get it, so a page is never handed out before the daemon has forgotten what
 * it held. All books are on the Java heap. {@code lock} is never held across a request; {@code growing} is, but only by
 * threads that want a new region, none of which touches managed memory meanwhile.
 */
final class RegionPool {
    /** Large enough to be shared by many arenas, small enough to go back soon. Costs address space only. */
    static final long SLAB_BYTES = 64L << 20;

    /** From here on an allocation gets a region of its own, which is unmapped as soon as it is freed. */
    static final long OWN_REGION_BYTES = SLAB_BYTES / 2;

    /** A new slab is at least this part of all there is, so that the number of regions stays small. */
    private static final int GROWTH = 8;

    private static final int RECLAIMER_IDLE_SECONDS = 10;

    private final ControlChannel channel;
    private final Reply.Limits limits;
    private final ReentrantLock lock = new ReentrantLock();
    private final ReentrantLock growing = new ReentrantLock();
    private final List<Region> regions = new ArrayList<>();
    private final BitSet numbers = new BitSet();
    private final ConcurrentSkipListMap<Long, Run> runs = new ConcurrentSkipListMap<>();

    /** Frees what the threads that find it unused must not wait for: those of the garbage collector. */
    private final ThreadPoolExecutor reclaimer;

    private boolean closed;

    RegionPool(ControlChannel channel, Reply.Limits limits) {
        this.channel = channel;
        this.limits = limits;
        reclaimer = new ThreadPoolExecutor(
                1,
                1,
                RECLAIMER_IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("heteromem-reclaimer").factory());
        reclaimer.allowCoreThreadTimeOut(true);
    }

    /**
     * Takes pages that read as zeros.
     *
     * @param bytes whole pages, at least one
     * @param alignment of the address, a power of two, at least a page
     * @throws NoRoomException if the daemon, the address space or the process's limits have no room
     * @throws org.heteromem.live.HeteromemException if the daemon refuses for another reason, or is gone
     */
    Run allocate(long bytes, long alignment, ArenaMemory owner) throws NoRoomException {
        Run run = reserve(bytes, alignment, owner);
        if (run == null) {
            run = reserveInNewRegion(bytes, alignment, owner);
        }
        boolean done = false;
        try {
            RangeRequest request = new RangeRequest();
            Run wanted = run;
            Reply reply = channel.await((buffer, correlation) -> request.begin(
                            buffer, MessageType.ALLOCATE, correlation, wanted.region().id)
                    .add(wanted.offset(), wanted.bytes()));
            requireRoom(reply, "allocate " + bytes + " bytes of managed memory");
            runs.put(run.address(), run);
            done = true;
            return run;
        } finally {
            if (!done) {
                giveBack(List.of(run));
            }
        }
    }

    /** Tells a daemon that has no room from one that refuses for other reasons, or is gone. */
    private void requireRoom(Reply reply, String what) throws NoRoomException {
        if (reply instanceof Reply.Refused(var code, String detail)) {
            switch (code) {
                case LIMIT, NO_SPACE -> throw new NoRoomException(detail);
                default -> {
                    // falls to the exception below
                }
            }
        }
        reply.expect(Reply.Done.class, what);
    }

    private @Nullable Run reserve(long bytes, long alignment, ArenaMemory owner) {
        lock.lock();
        try {
            for (Region region : regions) {
                long page = region.free.take(bytes / Wire.PAGE_BYTES, alignment / Wire.PAGE_BYTES);
                if (page >= 0) {
                    return new Run(region, page * Wire.PAGE_BYTES, bytes, owner);
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private Run reserveInNewRegion(long bytes, long alignment, ArenaMemory owner) throws NoRoomException {
        growing.lock();
        try {
            Run run = reserve(bytes, alignment, owner); // another thread may have made room meanwhile
            if (run != null) {
                return run;
            }
            Region region = newRegion(bytes, alignment);
            lock.lock();
            try {
                if (closed) {
                    region.close();
                    throw new IllegalStateException("the Heteromem is closed");
                }
                // Taken before anyone else can see the region.
                long page = region.free.take(bytes / Wire.PAGE_BYTES, alignment / Wire.PAGE_BYTES);
                regions.add(region);
                return new Run(region, page * Wire.PAGE_BYTES, bytes, owner);
            } finally {
                lock.unlock();
            }
        } finally {
            growing.unlock();
        }
    }

    private Region newRegion(long bytes, long alignment) throws NoRoomException {
        int number;
        long regionBytes;
        lock.lock();
        try {
            if (regions.size() >= limits.maxRegions()) {
                throw new NoRoomException(
                        "the daemon takes " + limits.maxRegions() + " regions from a program, and all are in use");
            }
            regionBytes = regionBytes(bytes);
            number = numbers.nextClearBit(0);
            numbers.set(number);
        } finally {
            lock.unlock();
        }
        Region region = null;
        boolean kept = false;
        try {
            region = Region.create(number, regionBytes, Math.max(alignment, Region.ALIGNMENT));
            Region made = region;
            RegisterRegion request = new RegisterRegion();
            Reply reply = channel.await(
                    (buffer, correlation) ->
                            request.encode(buffer, correlation, made.id, made.address(), made.bytes(), ""),
                    made.memory.fd(),
                    made.faults.fd());
            requireRoom(reply, "register " + regionBytes + " bytes of managed memory");
            kept = true;
            return region;
        } catch (OutOfMemoryError e) {
            // Of heap. The daemon may have the region all the same: nothing else may have its number or its addresses.
            kept = region != null;
            throw e;
        } catch (NativeException e) {
            // What mmap(2) says of a process that locks what it maps, and of no other.
            String why = e.errno() == Errno.EAGAIN
                    ? "; it locks what it maps (mlockall), and may not lock so much: raise RLIMIT_MEMLOCK (ulimit -l)"
                    : "";
            throw new NoRoomException("this process cannot have another region: " + e.getMessage() + why, e);
        } catch (ArithmeticException e) {
            throw new NoRoomException("address space has no place of that alignment", e);
        } finally {
            if (!kept) {
                if (region != null) {
                    region.close();
                }
                forget(number);
            }
        }
    }

    /** How long the next region is to be. Called with the lock held. */
    private long regionBytes(long bytes) throws NoRoomException {
        long longest = limits.maxRegionBytes() & -Region.ALIGNMENT;
        if (bytes > longest) {
            throw new NoRoomException("the daemon takes at most " + longest + " bytes in one piece");
        }
        long whole = bytes + Region.ALIGNMENT - 1 & -Region.ALIGNMENT;
        boolean own = bytes >= OWN_REGION_BYTES && regions.size() < limits.maxRegions() / 2;
        long total = regions.stream().mapToLong(Region::bytes).sum();
        long slab = Math.max(SLAB_BYTES, total / GROWTH & -Region.ALIGNMENT);
        return own ? whole : Math.max(whole, Math.min(slab, longest));
    }

    private void forget(int number) {
        lock.lock();
        try {
            numbers.clear(number);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Frees runs everywhere, and waits for it. When the daemon is gone they stay as they are: nobody can get them any
     * more, and what they hold ends with the process or with {@link #close()}.
     *
     * @throws RefusedException if the daemon refuses, after all else is freed
     */
    void free(Collection<Run> unused) {
        Map<Region, List<Run>> byRegion = new LinkedHashMap<>();
        for (Run run : unused) {
            runs.remove(run.address());
            byRegion.computeIfAbsent(run.region(), _ -> new ArrayList<>()).add(run);
        }
        Map<List<Run>, CompletableFuture<Reply>> replies = new LinkedHashMap<>();
        byRegion.forEach((region, all) -> {
            for (int i = 0; i < all.size(); i += Wire.MAX_RANGES) {
                List<Run> part = all.subList(i, Math.min(all.size(), i + Wire.MAX_RANGES));
                replies.put(part, channel.ask((buffer, correlation) -> {
                    RangeRequest request = new RangeRequest();
                    request.begin(buffer, MessageType.FREE, correlation, region.id);
                    part.forEach(run -> request.add(run.offset(), run.bytes()));
                    return request;
                }));
            }
        });
        Reply.@Nullable Refused refused = null;
        for (Map.Entry<List<Run>, CompletableFuture<Reply>> entry : replies.entrySet()) {
            switch (entry.getValue().join()) {
                case Reply.Refused r -> refused = r;
                case Reply.Lost _ -> {
                    return;
                }
                default -> giveBack(entry.getKey());
            }
        }
        trim(byRegion.keySet());
        if (refused != null) {
            refused.expect(Reply.Done.class, "free managed memory");
        }
    }

    /** {@link #free} by another thread, soon. */
    void freeLater(Collection<Run> unused) {
        later(() -> free(unused));
    }

    /** Does something that asks the daemon, soon, and one after the other. */
    void later(Runnable work) {
        reclaimer.execute(work);
    }

    private void giveBack(List<Run> unused) {
        lock.lock();
        try {
            for (Run run : unused) {
                run.region().free.give(run.address() / Wire.PAGE_BYTES, run.bytes() / Wire.PAGE_BYTES);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Unmaps those of some regions that are wholly free, but for one slab that the next arena will want. */
    private void trim(Collection<Region> candidates) {
        List<Region> ending = new ArrayList<>();
        lock.lock();
        try {
            for (Region region : candidates) {
                boolean spare = region.bytes() <= SLAB_BYTES
                        && regions.stream().noneMatch(r -> r != region && r.free.isWhollyFree());
                if (region.free.isWhollyFree() && !spare && regions.remove(region)) {
                    ending.add(region);
                }
            }
        } finally {
            lock.unlock();
        }
        for (Region region : ending) {
            UnregisterRegion request = new UnregisterRegion();
            Reply reply = channel.await((buffer, correlation) -> request.encode(buffer, correlation, region.id));
            if (reply instanceof Reply.Done) {
                region.close();
                forget(region.id);
            } else {
                restore(region);
                reply.expect(Reply.Done.class, "end region " + region.id);
            }
        }
    }

    private void restore(Region region) {
        lock.lock();
        try {
            regions.add(region);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The run that holds some addresses.
     *
     * @throws IllegalArgumentException if they are not all in one run, that is not memory of an arena of this pool
     */
    Run locate(long address, long bytes) {
        Map.Entry<Long, Run> below = runs.floorEntry(address);
        if (below != null) {
            Run run = below.getValue();
            long offset = address - run.address();
            if (bytes <= run.bytes() && offset <= run.bytes() - bytes) {
                return run;
            }
        }
        throw new IllegalArgumentException("the segment at 0x" + Long.toHexString(address) + " of " + bytes
                + " bytes is not memory of an arena of this Heteromem");
    }

    /**
     * Takes pages out of the page table, so that the daemon sees when they are used next. What is not there any more is passed
     * over; where the daemon cannot serve system calls, none may find a page gone that was brought home for it.
     */
    void idle(RangeRequest request) {
        Region region = region(request.region());
        if (region == null || region.faults.rights().orElseThrow() != Userfault.Rights.FULL) {
            return;
        }
        for (int i = 0; i < request.count(); i++) {
            region.mapping.tryUnmapPages(request.offset(i), request.rangeBytes(i));
        }
    }

    private @Nullable Region region(int id) {
        lock.lock();
        try {
            for (int i = 0; i < regions.size(); i++) {
                if (regions.get(i).id == id) {
                    return regions.get(i);
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of all regions, used or not. */
    long mappedBytes() {
        lock.lock();
        try {
            return regions.stream().mapToLong(Region::bytes).sum();
        } finally {
            lock.unlock();
        }
    }

    /** Number of regions. */
    int regionCount() {
        lock.lock();
        try {
            return regions.size();
        } finally {
            lock.unlock();
        }
    }

    /** Unmaps everything; only when no arena is left. */
    void close() {
        lock.lock();
        try {
            closed = true;
            regions.forEach(Region::close);
            regions.clear();
        } finally {
            lock.unlock();
        }
        reclaimer.shutdown();
    }
}
