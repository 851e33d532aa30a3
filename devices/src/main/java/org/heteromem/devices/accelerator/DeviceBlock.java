package org.heteromem.devices.accelerator;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;

/**
 * An aligned 2 MiB block of addresses as the device knows it: the leaf of its page table, its access counters, and the
 * books of which pages live in device memory. Three owners: entries change under the mirror's lock, residency under the
 * frame pool's, counters by anybody. Reading is free.
 */
final class DeviceBlock implements BlockView {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int SLICES = Page.PER_BLOCK / SLICE_PAGES;

    /** The list of the block's frames is empty. */
    static final int NO_FRAME = -1;

    private final int space;
    private final long firstPage;
    private final long[] entries = new long[Page.PER_BLOCK];
    private final int[] accesses = new int[SLICES];

    /** Device frames that hold each page; more than one after forks and moves. Written under the pool's lock. */
    private final int[] resident = new int[Page.PER_BLOCK];

    private volatile int pagesOnDevice;
    private volatile long arrival;
    private volatile long lastUse;
    private volatile long faults;

    /** First of the block's frames, chained through the pool; under its lock. */
    int firstFrame = NO_FRAME;

    DeviceBlock(int space, long firstPage) {
        this.space = space;
        this.firstPage = firstPage;
    }

    /** {@return the number of the block that holds a page} */
    static long number(long page) {
        return page / Page.PER_BLOCK;
    }

    private static int index(long page) {
        return (int) page & (Page.PER_BLOCK - 1);
    }

    /** {@return the number of the block's first page} */
    long firstPage() {
        return firstPage;
    }

    // ---- translations ------------------------------------------------------------------------------------------

    long entry(long page) {
        return (long) ENTRY.getVolatile(entries, index(page));
    }

    /** {@return the old entry; sets a new one; under the mirror's lock} */
    long exchange(long page, long entry) {
        long old = entry(page);
        if (old != entry) {
            ENTRY.setVolatile(entries, index(page), entry);
        }
        return old;
    }

    // ---- use ---------------------------------------------------------------------------------------------------

    /** A compute unit looked a page up. */
    void used(long page, long now) {
        COUNT.getAndAdd(accesses, index(page) / SLICE_PAGES, 1);
        use(now);
    }

    void use(long now) {
        if (lastUse != now) {
            lastUse = now;
        }
    }

    /** Counts faults; by the fault service alone. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    void faulted(int n) {
        faults += n;
    }

    // ---- residency, under the pool's lock ----------------------------------------------------------------------

    @SuppressWarnings("NonAtomicVolatileUpdate") // under the pool's lock
    void arrived(int page, long order) {
        if (pagesOnDevice == 0) {
            arrival = order;
        }
        COUNT.setOpaque(resident, page, resident[page] + 1);
        pagesOnDevice++;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // under the pool's lock
    void left(int page) {
        COUNT.setOpaque(resident, page, resident[page] - 1);
        pagesOnDevice--;
    }

    // ---- the policy's view -------------------------------------------------------------------------------------

    @Override
    public int space() {
        return space;
    }

    @Override
    public long address() {
        return Page.address(firstPage);
    }

    @Override
    public boolean onDevice(int page) {
        return (int) COUNT.getOpaque(resident, page) > 0;
    }

    @Override
    public int pagesOnDevice() {
        return pagesOnDevice;
    }

    @Override
    public long accesses(int slice) {
        return Integer.toUnsignedLong((int) COUNT.getOpaque(accesses, slice));
    }

    @Override
    public long faults() {
        return faults;
    }

    @Override
    public long lastUse() {
        return lastUse;
    }

    @Override
    public long arrival() {
        return arrival;
    }
}
