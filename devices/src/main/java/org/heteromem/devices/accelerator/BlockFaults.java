package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.LostPageException;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.Page;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
import org.heteromem.core.pin.Pins;
import org.heteromem.core.policy.PageRange;
import org.jspecify.annotations.Nullable;

/**
 * Serves the faults of one batch in one block:
 *
 * <ol>
 *   <li>refuses what the areas do not allow;
 *   <li>enters pages that are on the device already, which another fault or a notification left without a translation;
 *   <li>gives a process its own copy of shared pages that shall be stored to;
 *   <li>asks the policy and migrates what it names;
 *   <li>mirrors in place what is still missing: shared memory, pinned pages, pages that the policy leaves, pages for which
 *       there is no room, and pages that the CPU took back so often that the unit would never get through. Where RAM is out
 *       of a device's reach ({@link HostMemory#reachable}), the pages that are wanted come one by one instead, from wherever
 *       they are; what cannot come now is asked for again.
 * </ol>
 */
final class BlockFaults {
    /** After so many faults in a row on one page a unit uses it where it is. */
    private static final int ATTEMPTS_BEFORE_IN_PLACE = 4;
    /** After so many faults in a row for which a page could not come, and that cannot be used where it is, it is refused. */
    private static final int DENIALS_BEFORE_REFUSAL = 10_000;

    private final Machinery device;
    private final Inflow inflow;

    BlockFaults(Machinery device) {
        this.device = device;
        this.inflow = new Inflow(device);
    }

    /** The faults of one block under way. */
    private static final class Work {
        final Mirror mirror;
        final DeviceBlock block;
        final BitSet wanted = new BitSet(Page.PER_BLOCK);
        final BitSet stores = new BitSet(Page.PER_BLOCK);
        final BitSet stubborn = new BitSet(Page.PER_BLOCK);
        final List<PendingFault> faults;

        Work(Mirror mirror, List<PendingFault> faults) {
            this.mirror = mirror;
            this.block = mirror.table().block(faults.getFirst().page());
            this.faults = new ArrayList<>(faults);
            for (PendingFault fault : faults) {
                int page = offset(fault.page());
                wanted.set(page);
                if (fault.access() == Access.WRITE) {
                    stores.set(page);
                }
                if (fault.attempt() >= ATTEMPTS_BEFORE_IN_PLACE) {
                    stubborn.set(page);
                }
            }
        }

        AddressSpace space() {
            return mirror.space();
        }

        int offset(long page) {
            return (int) (page - block.firstPage());
        }

        long page(int offset) {
            return block.firstPage() + offset;
        }

        long address(int offset) {
            return Page.address(page(offset));
        }

        /** Faults on a page that need a certain access end with an error. */
        void fail(int offset, boolean storesOnly, Function<PendingFault, RuntimeException> cause) {
            faults.removeIf(fault -> {
                if (fault.page() != page(offset) || (storesOnly && fault.access() == Access.READ)) {
                    return false;
                }
                fault.fail(() -> cause.apply(fault));
                return true;
            });
            stores.clear(offset);
            if (!storesOnly) {
                wanted.clear(offset);
            } else if (faults.stream().noneMatch(fault -> fault.page() == page(offset))) {
                wanted.clear(offset);
            }
        }

        /** Forgets the pages that the device can access by now. */
        void strikeServed() {
            for (int page = wanted.nextSetBit(0); page >= 0; page = wanted.nextSetBit(page + 1)) {
                if (mirror.allows(page(page), stores.get(page))) {
                    wanted.clear(page);
                }
            }
        }
    }

    /** Serves faults that all lie in one block. */
    void serve(Mirror mirror, List<PendingFault> faults) {
        Work work = new Work(mirror, faults);
        work.block.use(device.useTime());
        work.block.faulted(faults.size());
        refuseForbidden(work);
        if (!work.wanted.isEmpty()) {
            int first = work.wanted.nextSetBit(0);
            mirror.mirrorOwn(work.page(first), work.wanted.length() - first);
            work.strikeServed();
            unshareStores(work);
            migrate(work);
            work.strikeServed();
            if (device.host().reachable()) {
                mirrorInPlace(work);
            } else {
                insist(work);
            }
        }
        work.faults.forEach(PendingFault::complete);
    }

    // ---- what may not be ---------------------------------------------------------------------------------------

    private void refuseForbidden(Work work) {
        Area area = null;
        for (int page = work.wanted.nextSetBit(0); page >= 0; page = work.wanted.nextSetBit(page + 1)) {
            long address = work.address(page);
            if (area == null || address < area.address() || address >= area.address() + area.length()) {
                area = work.space().areaAt(address);
            }
            if (area == null) {
                refuse(work, page, false, "nothing is mapped there");
            } else if (!area.protection().readable()) {
                refuse(work, page, false, "the mapping's protection is " + area.protection());
            } else if (work.stores.get(page) && !area.protection().writable()) {
                refuse(work, page, true, "the mapping's protection is " + area.protection());
            }
        }
    }

    private void refuse(Work work, int page, boolean storesOnly, String why) {
        work.fail(
                page,
                storesOnly,
                fault -> new AccessException(
                        AccessException.Signal.SEGV,
                        fault.address(),
                        (fault.access() == Access.WRITE ? "store" : "load") + " by device '"
                                + device.memory().name() + "': " + why));
    }

    /** A page could not be made accessible: tells each unit in the words that a CPU would hear. */
    private void refuse(Work work, int page, MemoryException reason) {
        if (reason instanceof MemoryExhaustedException) {
            String detail = detail(reason);
            work.fail(page, false, fault -> {
                MemoryExhaustedException own = new MemoryExhaustedException(detail);
                own.initCause(reason);
                return own;
            });
            return;
        }
        boolean store = work.stores.get(page);
        FaultResult result = work.space().fault(work.address(page), store ? Access.WRITE : Access.READ);
        if (result instanceof FaultResult.Bus bus) {
            work.fail(page, false, fault -> new LostPageException(fault.address(), bus.device(), bus.detail()));
        } else {
            refuse(work, page, reason.errno() == Errno.EPERM, detail(reason));
        }
    }

    /** What an error says, without the name of its reason, which its exception adds again. */
    private static String detail(MemoryException reason) {
        String message = String.valueOf(reason.getMessage());
        String prefix = reason.errno() + ": ";
        return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
    }

    // ---- copies of one's own -----------------------------------------------------------------------------------

    private void unshareStores(Work work) {
        for (int page = work.wanted.nextSetBit(0); page >= 0; page = work.wanted.nextSetBit(page + 1)) {
            if (!work.stores.get(page)) {
                continue;
            }
            long entry = RangeFault.snapshot(work.space(), device, work.address(page), 1)[0];
            if (MirrorEntry.valid(entry)
                    && !MirrorEntry.writable(entry)
                    && MirrorEntry.frame(entry) != device.manager().zeroFrame()) {
                try {
                    unshare(work, page);
                } catch (MemoryException e) {
                    refuse(work, page, e);
                }
            }
        }
    }

    /** What a CPU's store would do: the page comes home, is copied if others see it, and becomes writable. */
    private static void unshare(Work work, int page) {
        Pins.get(work.space(), work.address(page), 1, Access.WRITE).close();
    }

    // ---- by migration ------------------------------------------------------------------------------------------

    private void migrate(Work work) {
        BitSet movable = (BitSet) work.wanted.clone();
        if (device.host().reachable()) {
            movable.andNot(work.stubborn);
        }
        if (movable.isEmpty()) {
            return;
        }
        List<PageRange> ranges = device.policies().placement().deviceFault(work.block, (BitSet) movable.clone());
        for (PageRange range : ranges) {
            inflow.bring(work.mirror, work.block, range, movable);
        }
    }

    // ---- one by one --------------------------------------------------------------------------------------------

    private void insist(Work work) {
        for (int page = work.wanted.nextSetBit(0); page >= 0; page = work.wanted.nextSetBit(page + 1)) {
            try {
                insist(work, page);
            } catch (MemoryExhaustedException e) {
                // Somebody may be just about to make room.
                denied(work, page, e);
            } catch (MemoryException e) {
                refuse(work, page, e);
            }
        }
    }

    private void insist(Work work, int page) {
        // To RAM, as a CPU's touch would: from another device, or from nowhere.
        IntervalNotifier notifier = work.mirror.follow();
        Access access = work.stores.get(page) ? Access.WRITE : Access.READ;
        while (look(notifier, notifier.readBegin(), work.address(page), access) == null) {
            // It changed while we looked.
        }
        BitSet touched = new BitSet(Page.PER_BLOCK);
        touched.set(page);
        boolean came = inflow.bring(work.mirror, work.block, new PageRange(page, 1), touched) > 0;
        if (!came && !work.mirror.allows(work.page(page), work.stores.get(page))) {
            denied(
                    work,
                    page,
                    new MemoryException(
                            Errno.EBUSY,
                            "the page cannot come to the device: it is pinned in RAM, or device memory is full ("
                                    + device.pool().free() + " of "
                                    + device.pool().frames()
                                    + " pages are free) and RAM has no room for what is there"));
        }
    }

    /** The unit asks again, unless it has done so for too long. */
    private void denied(Work work, int page, MemoryException reason) {
        boolean tooLong = false;
        for (PendingFault fault : work.faults) {
            if (fault.page() == work.page(page)) {
                fault.deny();
                tooLong |= fault.denials() >= DENIALS_BEFORE_REFUSAL;
            }
        }
        if (tooLong) {
            refuse(work, page, reason);
        }
    }

    // ---- in place ----------------------------------------------------------------------------------------------

    private void mirrorInPlace(Work work) {
        for (int page = work.wanted.nextSetBit(0); page >= 0; page = work.wanted.nextSetBit(page + 1)) {
            try {
                mirrorInPlace(work, page);
            } catch (MemoryException e) {
                refuse(work, page, e);
            }
        }
    }

    private void mirrorInPlace(Work work, int page) {
        boolean store = work.stores.get(page);
        IntervalNotifier notifier = work.mirror.follow();
        for (; ; ) {
            long begun = notifier.readBegin();
            long[] entries = look(notifier, begun, work.address(page), store ? Access.WRITE : Access.READ);
            if (entries == null) {
                continue;
            }
            if (store && !MirrorEntry.writable(entries[0])) {
                // A page of our own with a read-only entry is reported as it is.
                unshare(work, page);
            } else if (work.mirror.fill(begun, work.page(page), entries, false)) {
                if (!device.memory().contains(MirrorEntry.frame(entries[0]))) {
                    device.tally().mirroredInPlace.increment();
                }
                return;
            }
        }
    }

    private long @Nullable [] look(IntervalNotifier notifier, long begun, long address, Access access) {
        try {
            return RangeFault.fault(notifier, begun, device, address, 1, access);
        } catch (MemoryException e) {
            if (e.errno() == Errno.EBUSY) {
                return null;
            }
            throw e;
        }
    }
}
