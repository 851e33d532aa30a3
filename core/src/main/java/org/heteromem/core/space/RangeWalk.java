package org.heteromem.core.space;

import java.util.function.BooleanSupplier;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.wait.WaitPoint;
import org.jspecify.annotations.Nullable;

/** Looks at the page table for a device, faulting in what is asked for (Linux: hmm_range_fault). */
public final class RangeWalk {
    /** The entry names a page that the device may read. */
    public static final long VALID = 1L << 63;
    /** The device may write it. */
    public static final long WRITE = 1L << 62;
    /** Nothing can be there: no mapping, or one that cannot be read. */
    public static final long ERROR = 1L << 61;

    private final Mm mm;
    private final @Nullable Object owner;
    private final long start;
    private final long end;
    private final @Nullable Access request;
    private final long[] out;

    /**
     * Prepares a walk.
     *
     * @param mm whose address space
     * @param owner whose private pages count as reachable
     * @param start first page
     * @param count how many pages
     * @param request what to fault for, or null only to look
     * @param out filled with one entry a page
     */
    public RangeWalk(Mm mm, @Nullable Object owner, long start, int count, @Nullable Access request, long[] out) {
        this.mm = mm;
        this.owner = owner;
        this.start = start;
        this.end = start + count;
        this.request = request;
        this.out = out;
    }

    /**
     * Walks.
     *
     * @param stale asked before every round; true ends the walk with EBUSY
     * @throws MemoryException EFAULT, EPERM or EBUSY
     */
    public void run(BooleanSupplier stale) {
        for (; ; ) {
            if (stale.getAsBoolean()) {
                throw new MemoryException(
                        Errno.EBUSY,
                        "the range at " + FaultHandler.at(start) + " changed while it was looked at; begin again");
            }
            long need = -1;
            long faultEnd = end;
            WaitPoint obstacle = null;
            long stamp = mm.readLock();
            try {
                for (long page = start; page < end && need < 0; page++) {
                    Vma area = mm.areas.find(page);
                    if (area == null || !area.protection.readable()) {
                        if (request != null) {
                            throw new MemoryException(
                                    Errno.EFAULT,
                                    "device access at " + FaultHandler.at(page) + ": "
                                            + (area == null ? "nothing is mapped" : "no read permission"));
                        }
                        out[(int) (page - start)] = ERROR;
                        continue;
                    }
                    long entry = mm.pageTable.entry(page);
                    long found = look(entry);
                    out[(int) (page - start)] = found;
                    if (request != null && missing(entry, found)) {
                        if (PteLayout.barred(entry)) {
                            throw new MemoryException(
                                    Errno.EFAULT,
                                    "device access at " + FaultHandler.at(page) + ": "
                                            + (PteLayout.kind(entry) == PteLayout.GUARD
                                                    ? "a guard is installed there"
                                                    : "the page was lost"));
                        }
                        if (request == Access.WRITE && !area.protection.writable()) {
                            throw new MemoryException(
                                    Errno.EPERM,
                                    "device store at " + FaultHandler.at(page) + ": the mapping is not writable");
                        }
                        need = page;
                        faultEnd = Math.min(end, area.end);
                        if (PteLayout.kind(entry) == PteLayout.MIGRATION) {
                            obstacle = mm.machine().frames.unlocked(PteLayout.frame(entry));
                        }
                    }
                }
            } finally {
                mm.readUnlock(stamp);
            }
            if (need < 0) {
                return;
            }
            if (obstacle != null) {
                mm.machine().waiting.await(obstacle);
            } else {
                faultIn(need, faultEnd);
            }
        }
    }

    /** All pages from the first that needs it to the end of its area are faulted, also those that do not need it. */
    private void faultIn(long from, long to) {
        Access access = request == Access.WRITE ? Access.WRITE : Access.READ;
        for (long page = from; page < to; page++) {
            FaultResult result = mm.resolve(page, access, false);
            if (!(result instanceof FaultResult.Done)) {
                String why = result instanceof FaultResult.Segv segv
                        ? segv.detail()
                        : result instanceof FaultResult.Bus bus ? bus.device() + ": " + bus.detail() : "";
                throw new MemoryException(Errno.EFAULT, "device access at " + FaultHandler.at(page) + ": " + why);
            }
        }
    }

    private boolean missing(long entry, long found) {
        if ((found & VALID) == 0) {
            return true;
        }
        // Own private pages are never faulted: the driver must cope with a read-only one.
        return request == Access.WRITE && (found & WRITE) == 0 && PteLayout.kind(entry) != PteLayout.DEVICE_PRIVATE;
    }

    private long look(long entry) {
        long frame = PteLayout.frame(entry);
        long write = PteLayout.writable(entry) ? WRITE : 0;
        return switch (PteLayout.kind(entry)) {
            case PteLayout.PRESENT -> VALID | write | frame;
            case PteLayout.DEVICE_PRIVATE -> {
                // Looked at without a lock: that memory may have left the machine since.
                FrameRange range = mm.machine().frames.find(frame);
                yield range != null
                                && range.owner instanceof DeviceFrames device
                                && device.memory().owner() == owner
                        ? VALID | write | frame
                        : 0;
            }
            default -> 0;
        };
    }
}
