package org.heteromem.core.mirror;

import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.space.RangeWalk;
import org.jspecify.annotations.Nullable;

/**
 * Reads a range of a process's page table for a device, and faults it in where asked (Linux: hmm_range_fault). What comes
 * back is only true as long as the notifier does not say otherwise: see {@link IntervalNotifier}. Thread-safe: every call
 * stands for itself.
 */
public final class RangeFault {
    private RangeFault() {}

    /**
     * Looks, without changing anything and without waiting (a snapshot).
     *
     * @param space whose addresses
     * @param owner whose private pages count as reachable, compared by identity; or null
     * @param address first byte, a multiple of the page size
     * @param pages how many pages, positive
     * @return one {@link MirrorEntry} a page
     */
    public static long[] snapshot(AddressSpace space, @Nullable Object owner, long address, int pages) {
        long[] entries = new long[check(address, pages)];
        new RangeWalk(space.mm(), owner, Page.of(address), pages, null, entries).run(() -> false);
        return entries;
    }

    /**
     * Makes a range accessible to a device and reports where its pages are. At the first page that needs a fault, all from
     * there to the end of its area are faulted; own private pages that need none are reported as they are, even read-only
     * when a store was asked for.
     *
     * @param notifier the device's notifier for the range
     * @param sequence from {@link IntervalNotifier#readBegin}
     * @param owner whose private pages count as reachable, compared by identity; or null
     * @param address first byte, a multiple of the page size
     * @param pages how many pages, positive
     * @param access what the device will do
     * @return one valid {@link MirrorEntry} a page
     * @throws MemoryException EFAULT where nothing readable is mapped, EPERM for a store where none is allowed, EBUSY if the
     *     range changed meanwhile: begin again with a new sequence
     */
    public static long[] fault(
            IntervalNotifier notifier, long sequence, @Nullable Object owner, long address, int pages, Access access) {
        long[] entries = new long[check(address, pages)];
        new RangeWalk(notifier.space().mm(), owner, Page.of(address), pages, access, entries)
                .run(() -> notifier.checkRetry(sequence));
        return entries;
    }

    private static int check(long address, int pages) {
        if (address < 0 || (address & Page.OFFSET_MASK) != 0 || pages <= 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "range fault of " + pages + " pages at 0x" + Long.toHexString(address)
                            + ": a page-aligned address and at least one page are needed");
        }
        return pages;
    }
}
