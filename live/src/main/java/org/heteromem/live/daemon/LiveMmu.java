package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Uffdio;
import org.jspecify.annotations.Nullable;

/**
 * The hardware page tables of a live process, driven from outside through userfaultfd and the memfd behind its memory.
 *
 * <pre>
 *   the core says        what is done                                    who is woken
 *   stopWriters          write-protect                                   nobody
 *   relocate: left       ledger, punch the hole                          nobody: who waits comes back by the page lock
 *   relocate: arrived    COPY from the placements, ledger                who touched the page
 *                        write-protected if the core wants to hear of the first store
 *   relocate: stayed     lift the write protection                       who tried to write
 *   movedOutOfReach      ledger                                          nobody
 *   lost                 ledger                                          nobody: who touches the page is told
 *   allowStores          lift the write protection                       who tried to write
 *   fill                 ZEROPAGE                                        who touched the page
 *   drop                 ledger, punch the hole                          nobody
 *   makeIdle             the client is asked to drop its entries         nobody
 *   mapAgain             CONTINUE, or lift the write protection          who touched the page
 * </pre>
 *
 * It keeps no table of its own: the core says what becomes of which page, and every call comes while the page is locked, or
 * under the exclusive lock of the address space, but for {@link #makeIdle}, which is a hint. When the kernel refuses, the client
 * has torn its own memory down or has ended: that is its session's affair, and nothing of the core's state is wrong. Thread-safe.
 */
final class LiveMmu implements Mmu {
    /** All of this process's memory, to point the kernel at bytes by address. */
    @SuppressWarnings("restricted") // read by the kernel only, where Placements says that contents are
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final long NO_PAGE = -1;
    /** How long a client may keep the kernel from doing what it is asked. */
    private static final long AGAIN_NANOS = 2_000_000_000;

    private static final long BEGIN = Long.MIN_VALUE;
    private static final long GIVEN_UP = BEGIN + 1;
    private static final int LEFT = 1;
    private static final int ARRIVED = 2;
    private static final int STAYED = 3;
    private static final int ELSEWHERE = 4;
    private static final int NOTHING = 0;

    private final Troubles troubles;
    private final FailPoints points;
    private final CopyOnWriteArrayList<Region> regions = new CopyOnWriteArrayList<>();
    private volatile DeviceMemory[] devices = {};
    /** Who is asked to make pages idle, once there is a connection. */
    private volatile @Nullable IdleNotices idleNotices;

    private volatile boolean adopting;
    private volatile boolean gone;
    /** The last page that was to be mapped again and was gone from the client's file. */
    private volatile long destroyed = NO_PAGE;

    final LongAdder pagesIn = new LongAdder();
    final LongAdder pagesOut = new LongAdder();
    final LongAdder pagesZeroed = new LongAdder();

    /** Who hears that the kernel has refused something. */
    @FunctionalInterface
    interface Troubles {
        /**
         * A page could not be placed, dropped or protected.
         *
         * @param region which memory
         * @param page number within the region
         * @param call what was tried
         * @param errno why not
         */
        void refused(Region region, long page, String call, int errno);
    }

    LiveMmu(Troubles troubles, FailPoints points) {
        this.troubles = troubles;
        this.points = points;
    }

    void add(Region region) {
        regions.add(region);
    }

    void remove(Region region) {
        regions.remove(region);
    }

    List<Region> regions() {
        return regions;
    }

    /** Says which devices the ledger names, by their numbers. */
    void setDevices(List<DeviceMemory> all) {
        devices = all.toArray(DeviceMemory[]::new);
    }

    /** Says who can be asked to make pages idle. */
    void setIdleNotices(IdleNotices notices) {
        idleNotices = notices;
    }

    /** While pages are taken over from a predecessor they are where they are: the client is told nothing. */
    void setAdopting(boolean now) {
        adopting = now;
    }

    boolean isGone() {
        return gone;
    }

    /** The client has ended: there are no tables left to drive. */
    void setGone() {
        gone = true;
    }

    @Nullable
    Region regionOf(long page) {
        long address = Page.address(page);
        for (Region region : regions) {
            if (region.contains(address)) {
                return region;
            }
        }
        return null;
    }

    private Region needRegion(long page) {
        Region region = regionOf(page);
        if (region == null) {
            throw new IllegalStateException(
                    "no region of the client has the address 0x" + Long.toHexString(Page.address(page)));
        }
        return region;
    }

    @Override
    public void revoke(long page) {
        // Asked where a used mark is taken back, which a live process does not keep, and where a page is replaced by a
        // copy, which homed memory never is.
    }

    @Override
    public void stopWriters(long firstPage, long pages) {
        if (adopting) {
            // The client's threads are not served yet, and a takeover that is killed begins again from the start.
            return;
        }
        protect(needRegion(firstPage), firstPage, pages, Uffdio.PROTECT_WP);
        points.passed(FailPoint.PROTECTED);
    }

    private void protect(Region region, long firstPage, long pages, int mode) {
        if (gone || adopting) {
            return;
        }
        int result;
        long since = BEGIN;
        do {
            result = region.faults.tryWriteProtect(Page.address(firstPage), Page.address(pages), mode);
        } while (result == -Errno.EAGAIN && (since = again(since, region, firstPage)) != GIVEN_UP);
        if (result < 0 && since != GIVEN_UP) {
            troubles.refused(region, region.index(firstPage), "UFFDIO_WRITEPROTECT", -result);
        }
    }

    /**
     * The kernel would do it if it were asked again, which a client can make go on for as long as it likes, by a userfaultfd
     * that is to tell of changes to its tables.
     *
     * @param since when it was asked first, or {@link #BEGIN}
     * @return the same for the next time, or {@link #GIVEN_UP}
     */
    private long again(long since, Region region, long page) {
        Thread.onSpinWait();
        if (gone) {
            return GIVEN_UP;
        }
        long now = System.nanoTime();
        if (since == BEGIN) {
            return now;
        }
        if (now - since > AGAIN_NANOS) {
            troubles.refused(region, region.index(page), "what userfaultfd is to do", Errno.EAGAIN);
            // Whatever came of it, to be asked for ever would stop other clients too.
            gone = true;
            return GIVEN_UP;
        }
        return since;
    }

    /** When regions are taken over: lifts what protection is left on them, and lets everybody who waits look again. */
    void reopen(List<Region> adopted) {
        points.passed(FailPoint.ADOPTED);
        adopted.forEach(this::reopen);
        points.passed(FailPoint.WOKEN);
    }

    private void reopen(Region region) {
        protect(region, Page.of(region.address), Page.of(region.bytes), Uffdio.PROTECT_DONTWAKE);
        points.passed(FailPoint.REOPENED);
        if (!gone) {
            int result = region.faults.tryWake(region.address, region.bytes);
            if (result < 0) {
                troubles.refused(region, 0, "UFFDIO_WAKE", -result);
            }
        }
    }

    @Override
    public void drop(long firstPage, long pages) {
        Region region = needRegion(firstPage);
        for (long page = firstPage; page < firstPage + pages; page++) {
            region.ledger.atHome(region.index(page));
        }
        points.passed(FailPoint.DROP_NOTED);
        punch(region, firstPage, pages);
        points.passed(FailPoint.DROP_PUNCHED);
    }

    private void punch(Region region, long firstPage, long pages) {
        if (gone) {
            return;
        }
        try {
            region.memory.punchHole(Page.address(region.index(firstPage)), Page.address(pages));
        } catch (NativeException e) {
            troubles.refused(region, region.index(firstPage), "fallocate(PUNCH_HOLE)", e.errno());
        }
    }

    @Override
    public void allowStores(long page) {
        protect(needRegion(page), page, 1, 0);
        points.passed(FailPoint.STORES_ALLOWED);
    }

    @Override
    public void fill(long page, long frame, boolean writable) {
        Region region = needRegion(page);
        zero(region, page, 1);
    }

    private void zero(Region region, long firstPage, int count) {
        pagesZeroed.add(count);
        long bytes = Page.address(count);
        long since = BEGIN;
        for (long done = 0; done < bytes && !gone; ) {
            long result = region.faults.tryZero(Page.address(firstPage) + done, bytes - done, 0);
            if (result > 0) {
                done += result;
            } else if (result == -Errno.EAGAIN) {
                since = again(since, region, firstPage);
            } else {
                zeroStopped(region, firstPage + Page.of(done), (int) result);
                done += Page.SIZE;
            }
        }
        points.passed(FailPoint.ZEROED);
    }

    @Override
    public void makeIdle(long[] pages, int count) {
        IdleNotices notices = idleNotices;
        if (notices == null || gone || adopting) {
            return;
        }
        Arrays.sort(pages, 0, count);
        for (int i = 0; i < count; ) {
            Region region = regionOf(pages[i]);
            int end = i + 1;
            while (region != null && end < count && region.contains(Page.address(pages[end]))) {
                end++;
            }
            if (region != null) {
                notices.tell(region, pages, i, end);
            }
            i = end;
        }
    }

    @Override
    public void mapAgain(long page, boolean writable) {
        Region region = needRegion(page);
        if (gone || adopting) {
            return;
        }
        int mode = writable ? 0 : Uffdio.MODE_WP;
        long result;
        long since = BEGIN;
        do {
            result = region.faults.tryContinue(Page.address(page), Page.SIZE, mode);
        } while (result == -Errno.EAGAIN && (since = again(since, region, page)) != GIVEN_UP);
        if (since == GIVEN_UP) {
            return;
        }
        if (result == -Errno.EEXIST) {
            if (writable) {
                protect(region, page, 1, 0);
            }
        } else if (result == -Errno.EFAULT) {
            destroyed = page;
        } else if (result < 0 && result != -Errno.ENOMEM) {
            // Without memory the system may not bring a page back from its swap now; the fault comes again.
            troubles.refused(region, region.index(page), "UFFDIO_CONTINUE", (int) -result);
        }
        if (result < 0) {
            // Whoever waits looks again.
            region.faults.tryWake(Page.address(page), Page.SIZE);
        }
        points.passed(FailPoint.MAPPED_AGAIN);
    }

    private void zeroStopped(Region region, long page, int why) {
        long result = why;
        if (result == -Errno.EEXIST) {
            // The client put something there through another way to its own file. It is its memory: it gets it.
            result = region.faults.tryContinue(Page.address(page), Page.SIZE, 0);
            if (result == -Errno.EEXIST) {
                result = region.faults.tryWake(Page.address(page), Page.SIZE);
            }
        }
        if (result < 0) {
            troubles.refused(region, region.index(page), "UFFDIO_ZEROPAGE", (int) -result);
        }
    }

    /** {@return whether the client's own file had not got the page when it was to be mapped again; false the next time} */
    boolean takeDestroyed(long page) {
        boolean was = destroyed == page;
        destroyed = NO_PAGE;
        return was;
    }

    /**
     * Makes poisoned pages of a range usable again, after their contents were given up. Only placing a page takes the
     * poison off.
     */
    void heal(Region region, long first, long count) {
        synchronized (region.poisoned) {
            if (region.poisoned.count(first, count) == 0) {
                return;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment zeros = arena.allocate(Page.SIZE, Page.SIZE);
                for (long index = first; index < first + count; index++) {
                    if (region.poisoned.count(index, 1) > 0) {
                        heal(region, index, zeros);
                        // Last: a successor of who is killed here heals it again.
                        region.poisoned.remove(index, 1);
                    }
                }
            }
        }
    }

    private void heal(Region region, long index, MemorySegment zeros) {
        // What the ledger names is lost, or never was: no successor shall look for it.
        region.ledger.atHome(index);
        long result;
        long since = BEGIN;
        do {
            result = region.faults.tryCopy(region.address + Page.address(index), zeros, 0, Page.SIZE, 0);
        } while (result == -Errno.EAGAIN
                && (since = again(since, region, Page.of(region.address) + index)) != GIVEN_UP);
        if (result > 0) {
            points.passed(FailPoint.HEAL_PLACED);
            punch(region, Page.of(region.address) + index, 1);
            points.passed(FailPoint.HEAL_PUNCHED);
        } else if (result != -Errno.EEXIST && !gone) {
            // Where a page is, it was brought home after all.
            troubles.refused(region, index, "UFFDIO_COPY", (int) -result);
        }
    }

    @Override
    public void lost(long page) {
        Region region = needRegion(page);
        noteLost(region, region.index(page));
        points.passed(FailPoint.LOST_NOTED);
    }

    /** For a successor too; its place on the device is about to be somebody else's. */
    private static void noteLost(Region region, long index) {
        synchronized (region.poisoned) {
            region.poisoned.add(index, 1);
            region.ledger.lost(index);
        }
    }

    @Override
    public void movedOutOfReach(long page, long frame) {
        Region region = needRegion(page);
        note(region, region.index(page), numberOf(frame, 0), frame);
        points.passed(FailPoint.MOVED_NOTED);
    }

    /** Makes every touch of a page a SIGBUS from now on, and lets those who wait for it go on into it. */
    void poison(Region region, long index) {
        // Not out of the ledger: it may be that only RAM is missing for it.
        synchronized (region.poisoned) {
            region.poisoned.add(index, 1);
        }
        long address = region.address + Page.address(index);
        // What is left of the write protection under which the page was moved out would be in the way.
        protect(region, Page.of(address), 1, Uffdio.PROTECT_DONTWAKE);
        points.passed(FailPoint.POISON_NOTED);
        long result;
        long since = BEGIN;
        do {
            result = region.faults.tryPoison(address, Page.SIZE, 0);
        } while (result == -Errno.EAGAIN && (since = again(since, region, Page.of(address))) != GIVEN_UP);
        if (result < 0 && result != -Errno.EEXIST && !gone) {
            troubles.refused(region, index, "UFFDIO_POISON", (int) -result);
        }
        points.passed(FailPoint.POISONED);
        region.faults.tryWake(address, Page.SIZE);
    }

    // ---- migrations --------------------------------------------------------------------------------------------

    @Override
    public void relocate(PageMoves moves) {
        Region region = needRegion(moves.firstPage());
        int count = moves.count();
        for (int i = 0; i < count; ) {
            int what = what(region, moves, i);
            int run = i + 1;
            boolean writable = moves.writable(i);
            while (run < count && what(region, moves, run) == what && moves.writable(run) == writable) {
                run++;
            }
            long page = moves.firstPage() + i;
            switch (what) {
                case LEFT -> {
                    points.passed(FailPoint.COPIED);
                    note(region, moves, i, run);
                    points.passed(FailPoint.LEFT_NOTED);
                    pagesOut.add(run - i);
                    punch(region, page, run - i);
                    points.passed(FailPoint.LEFT_PUNCHED);
                }
                case ELSEWHERE -> {
                    if (adopting) {
                        // The ledger is where its place was found.
                        break;
                    }
                    points.passed(FailPoint.COPIED);
                    note(region, moves, i, run);
                    points.passed(FailPoint.MOVED_NOTED);
                }
                case ARRIVED -> arrive(region, page, run - i, writable);
                case STAYED -> {
                    if (adopting) {
                        break;
                    }
                    if (writable) {
                        protect(region, page, run - i, 0);
                    }
                    points.passed(FailPoint.STAYED);
                }
                default -> {
                    // They are where they were. If they were on their way home, they are not any more. A page that
                    // was in no frame was not this migration's: another one may be bringing it home right now.
                    for (int j = i; j < run; j++) {
                        if (moves.from(j) != 0) {
                            region.placements.forget(region.index(moves.firstPage() + j));
                        }
                    }
                }
            }
            i = run;
        }
    }

    private static int what(Region region, PageMoves moves, int i) {
        long from = moves.from(i);
        long to = moves.to(i);
        if (to == 0) {
            return NOTHING;
        }
        boolean home = region.frames.contains(to);
        if (from == to) {
            return home ? STAYED : NOTHING;
        }
        if (home) {
            return ARRIVED;
        }
        return from != 0 && region.frames.contains(from) ? LEFT : ELSEWHERE;
    }

    private void note(Region region, PageMoves moves, int from, int to) {
        int device = 0;
        for (int i = from; i < to; i++) {
            device = numberOf(moves.to(i), device);
            note(region, region.index(moves.firstPage() + i), device, moves.to(i));
        }
    }

    private void note(Region region, long index, int device, long frame) {
        region.ledger.onDevice(index, device, frame - devices[device].firstFrame());
    }

    /** Of the device that has a frame; mostly it is that of the page before. */
    private int numberOf(long frame, int last) {
        DeviceMemory[] all = devices;
        int device = last;
        while (!all[device].contains(frame)) {
            device = (device + 1) % all.length;
        }
        return device;
    }

    private void arrive(Region region, long firstPage, int count, boolean writable) {
        if (adopting) {
            return;
        }
        for (int i = 0; i < count; ) {
            long index = region.index(firstPage + i);
            long address = region.placements.address(index);
            int run = 1;
            if (address == 0) {
                while (i + run < count && region.placements.address(index + run) == 0) {
                    run++;
                }
                zero(region, firstPage + i, run);
                for (int j = 0; j < run; j++) {
                    region.ledger.atHome(index + j);
                }
                points.passed(FailPoint.ARRIVED_NOTED);
                i += run;
                continue;
            }
            while (i + run < count && region.placements.address(index + run) == address + Page.address(run)) {
                run++;
            }
            pagesIn.add(run);
            place(region, firstPage + i, address, run, writable ? 0 : Uffdio.MODE_WP);
            points.passed(FailPoint.ARRIVED_PLACED);
            // Who has gone may not have got all of it, and for whoever takes over what was placed counts anyway.
            boolean all = !gone;
            for (int j = 0; j < run; j++) {
                if (all) {
                    region.ledger.atHome(index + j);
                }
                region.placements.forget(index + j);
            }
            points.passed(FailPoint.ARRIVED_NOTED);
            i += run;
        }
    }

    private void place(Region region, long firstPage, long source, int count, int mode) {
        long bytes = Page.address(count);
        long since = BEGIN;
        for (long done = 0; done < bytes && !gone; ) {
            long result = region.faults.tryCopy(
                    Page.address(firstPage) + done, EVERYTHING, source + done, bytes - done, mode);
            if (result > 0) {
                done += result;
            } else if (result == -Errno.EAGAIN) {
                since = again(since, region, firstPage);
            } else {
                troubles.refused(region, region.index(firstPage) + Page.of(done), "UFFDIO_COPY", (int) -result);
                done += Page.SIZE;
            }
        }
    }
}
