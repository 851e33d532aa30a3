package org.heteromem.core.space;

import org.heteromem.core.Access;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.event.Counter;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.policy.FrameDemand;

/**
 * Serves CPU faults and the faults that references and mirrors cause (Linux: handle_mm_fault). Called with the address
 * space's lock held, shared; never waits: what is in the way comes back as a result.
 */
final class FaultHandler {
    private FaultHandler() {}

    static FaultResult handle(Mm mm, long page, boolean write, boolean unshare) {
        Vma area = mm.areas.find(page);
        if (area == null) {
            return new FaultResult.Segv("nothing is mapped there");
        }
        if (write ? !area.protection.writable() : !area.protection.readable()) {
            return new FaultResult.Segv("the mapping's protection is " + area.protection);
        }
        PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
        long entry = leaf.get(page);
        return switch (PteLayout.kind(entry)) {
            case PteLayout.NONE ->
                area.homed != null
                        ? homedFault(mm, area, area.homed, leaf, page)
                        : area.shared != null
                                ? sharedFault(mm, area, area.shared, leaf, page, write)
                                : write ? demandZero(mm, area, leaf, page) : zeroPage(mm, area, leaf, page);
            case PteLayout.PRESENT -> {
                if (unshare || (write && !PteLayout.writable(entry))) {
                    yield writeProtected(mm, area, leaf, page, entry, unshare);
                }
                if (area.homed != null && mm.machine().frames.has(PteLayout.frame(entry), Frames.IDLE)) {
                    yield mapAgain(mm, area.homed, leaf, page, entry);
                }
                leaf.touch(page, entry, write);
                yield FaultResult.SPURIOUS;
            }
            case PteLayout.DEVICE_PRIVATE -> devicePrivate(mm, area, leaf, page, entry, write);
            case PteLayout.DEVICE_EXCLUSIVE -> exclusive(mm, area, leaf, page, entry);
            case PteLayout.MIGRATION ->
                new FaultResult.Wait(mm.machine().frames.unlocked(PteLayout.frame(entry)), FaultKind.MIGRATION_WAIT);
            case PteLayout.GUARD -> new FaultResult.Segv("a guard is installed there");
            case PteLayout.LOST -> lost(mm, entry);
            default -> throw new IllegalStateException("page-table entry 0x" + Long.toHexString(entry));
        };
    }

    private static FaultResult lost(Mm mm, long entry) {
        if (PteLayout.frame(entry) == 0) {
            return new FaultResult.Bus("none", "the page is poisoned", null);
        }
        var range = mm.machine().frames.find(PteLayout.frame(entry));
        return new FaultResult.Bus(range == null ? "removed" : range.owner.name(), "was lost there", null);
    }

    private static FaultResult zeroPage(Mm mm, Vma area, PageTableLeaf leaf, long page) {
        long zero = mm.machine().zeroFrame;
        leaf.lock.lock();
        try {
            if (leaf.get(page) != 0) {
                return FaultResult.SPURIOUS;
            }
            leaf.set(page, PteLayout.make(PteLayout.PRESENT, zero, area.entryBits() | PteLayout.YOUNG));
        } finally {
            leaf.lock.unlock();
        }
        mm.mmu().fill(page, zero, false);
        return FaultResult.ZERO_PAGE;
    }

    private static FaultResult demandZero(Mm mm, Vma area, PageTableLeaf leaf, long page) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        AnonVma anchor = mm.prepareAnon(area);
        long frame = machine.allocateRam(Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY);
        if (frame == RamNode.NONE) {
            return new FaultResult.NoMemory(machine.preferredNode(), FrameDemand.NEW_PAGE);
        }
        zero(frames, frame);
        frames.place(frame, anchor, area.index(page), 0, 0);
        long bits = area.entryBits() | PteLayout.WRITE | PteLayout.YOUNG | PteLayout.DIRTY;
        leaf.lock.lock();
        try {
            if (leaf.get(page) == 0) {
                frames.addMappingOwnReference(frame);
                leaf.set(page, PteLayout.make(PteLayout.PRESENT, frame, bits));
                mm.rssAnon.getAndIncrement();
            } else {
                anchor = null;
            }
        } finally {
            leaf.lock.unlock();
        }
        if (anchor == null) {
            frames.put(frame);
            return FaultResult.SPURIOUS;
        }
        machine.lruAdd(frame);
        machine.counters.add(Counter.PGALLOC_ZEROED, 1);
        mm.mmu().fill(page, frame, true);
        return FaultResult.DEMAND_ZERO;
    }

    /**
     * The first touch of homed memory. The page lock is held until the page can be accessed: whoever migrated it before that
     * would find the process's table without it and take its contents from where there are none yet.
     */
    private static FaultResult homedFault(Mm mm, Vma area, HomedNode homed, PageTableLeaf leaf, long page) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        AnonVma anchor = mm.prepareAnon(area);
        long frame = homed.take(page, Frames.LOCKED | Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY, false);
        if (frame == LruNode.NONE) {
            return new FaultResult.NoMemory(homed, FrameDemand.NEW_PAGE);
        }
        if (frame == HomedNode.BUSY) {
            return new FaultResult.Wait(frames.released(homed.frameOf(page)), FaultKind.DEMAND_ZERO);
        }
        if (!mm.mmu().fillsWithZeros()) {
            zero(frames, frame);
        }
        frames.place(frame, anchor, area.index(page), 0, 0);
        boolean mapped = false;
        leaf.lock.lock();
        try {
            if (leaf.get(page) == 0) {
                frames.addMappingOwnReference(frame);
                long write = area.protection.writable() ? PteLayout.WRITE : 0;
                leaf.set(page, PteLayout.make(PteLayout.PRESENT, frame, area.entryBits() | write | PteLayout.DIRTY));
                mm.rssAnon.getAndIncrement();
                mapped = true;
            }
        } finally {
            leaf.lock.unlock();
        }
        try {
            if (mapped) {
                machine.lruAdd(frame);
                mm.mmu().fill(page, frame, area.protection.writable());
            }
        } finally {
            frames.unlock(frame);
        }
        if (!mapped) {
            frames.put(frame);
            return FaultResult.SPURIOUS;
        }
        machine.counters.add(Counter.PGALLOC_ZEROED, 1);
        return FaultResult.DEMAND_ZERO;
    }

    /** Fills a new frame, or gives it back: a store may fail, if only because the heap is full. */
    private static void zero(FrameTable frames, long frame) {
        try {
            frames.zero(frame);
        } catch (RuntimeException | Error e) {
            giveBack(frames, frame);
            throw e;
        }
    }

    /** Fills a new frame with the contents of another, or gives it back. */
    static void copy(FrameTable frames, long frame, long from) {
        try {
            frames.copy(frame, from);
        } catch (RuntimeException | Error e) {
            giveBack(frames, frame);
            throw e;
        }
    }

    private static void giveBack(FrameTable frames, long frame) {
        if (frames.has(frame, Frames.LOCKED)) {
            frames.unlock(frame);
        }
        frames.put(frame);
    }

    private static FaultResult sharedFault(
            Mm mm, Vma area, SharedObject shared, PageTableLeaf leaf, long page, boolean write) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        long index = area.index(page);
        long frame = shared.getPage(frames, index);
        if (frame == SharedObject.ABSENT) {
            frame = machine.allocateRam(Frames.DIRTY);
            if (frame == RamNode.NONE) {
                return new FaultResult.NoMemory(machine.preferredNode(), FrameDemand.NEW_PAGE);
            }
            zero(frames, frame);
            frames.place(frame, shared, index, 0, 0);
            if (!shared.addPage(frames, index, frame)) {
                frames.put(frame);
                return FaultResult.SPURIOUS;
            }
            machine.lruAdd(frame);
        }
        // A page that is being moved is locked; it keeps its place until then, so mapping it must wait for its new one.
        if (!frames.tryLock(frame)) {
            FaultResult wait = new FaultResult.Wait(frames.unlocked(frame), FaultKind.MIGRATION_WAIT);
            frames.put(frame);
            return wait;
        }
        boolean mapped = false;
        if (frames.anchor(frame) == shared) {
            long bits = area.entryBits() | PteLayout.YOUNG | (area.protection.writable() ? PteLayout.WRITE : 0);
            leaf.lock.lock();
            try {
                if (leaf.get(page) == 0) {
                    frames.addMappingOwnReference(frame);
                    leaf.set(page, PteLayout.make(PteLayout.PRESENT, frame, write ? bits | PteLayout.DIRTY : bits));
                    mm.rssShared.getAndIncrement();
                    mapped = true;
                }
            } finally {
                leaf.lock.unlock();
            }
        }
        frames.unlock(frame);
        if (!mapped) {
            frames.put(frame);
            return FaultResult.SPURIOUS;
        }
        mm.mmu().fill(page, frame, area.protection.writable());
        return FaultResult.SHARED;
    }

    /** A store to a read-only entry, or a wish to have a page for oneself (unshare) that stays read-only. */
    private static FaultResult writeProtected(
            Mm mm, Vma area, PageTableLeaf leaf, long page, long seen, boolean unshare) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        long frame = PteLayout.frame(seen);
        boolean zero = frame == machine.zeroFrame;
        long stale = 0;
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) != PteLayout.PRESENT || PteLayout.frame(entry) != frame) {
                return FaultResult.SPURIOUS;
            }
            if (area.shared != null) {
                leaf.update(page, 0, PteLayout.WRITE | PteLayout.DIRTY | PteLayout.YOUNG);
                mm.mmu().allowStores(page);
                return FaultResult.REUSE;
            }
            if (!zero && reusable(frames, area, page, frame)) {
                machine.counters.add(Counter.PGREUSE, 1);
                if (!unshare) {
                    // Before the first store: from then on the copy is not one any more.
                    stale = frames.takeCopy(frame);
                    leaf.update(page, 0, PteLayout.WRITE | PteLayout.DIRTY | PteLayout.YOUNG);
                    mm.mmu().allowStores(page);
                }
                return FaultResult.REUSE;
            }
            if (!zero) {
                frames.get(frame);
            }
        } finally {
            leaf.lock.unlock();
            if (stale != 0) {
                frames.dropCopy(stale);
            }
        }
        return copy(mm, area, leaf, page, frame, unshare);
    }

    /**
     * Whether the process has the page for itself (Linux: wp_can_reuse_anon_folio). Under the leaf's lock, so that no
     * mapping of this process can come or go.
     */
    private static boolean reusable(FrameTable frames, Vma area, long page, long frame) {
        if (frames.has(frame, Frames.ANON_EXCLUSIVE)) {
            return true;
        }
        if (frames.references(frame) > 1 || !frames.tryLock(frame)) {
            return false;
        }
        try {
            AnonVma own = area.anonVma;
            if (frames.references(frame) > 1 || own == null) {
                return false;
            }
            // Nobody else is left: from now on it belongs to this area's own anchor (folio_move_anon_rmap).
            frames.place(frame, own, area.index(page), Frames.ANON_EXCLUSIVE, 0);
            return true;
        } finally {
            frames.unlock(frame);
        }
    }

    private static FaultResult copy(Mm mm, Vma area, PageTableLeaf leaf, long page, long old, boolean unshare) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        boolean zero = old == machine.zeroFrame;
        AnonVma anchor = mm.prepareAnon(area);
        long frame = machine.allocateRam(Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY);
        if (frame == RamNode.NONE) {
            if (!zero) {
                frames.put(old);
            }
            return new FaultResult.NoMemory(machine.preferredNode(), FrameDemand.NEW_PAGE);
        }
        if (zero) {
            zero(frames, frame);
        } else {
            try {
                copy(frames, frame, old);
            } catch (RuntimeException | Error e) {
                frames.put(old);
                throw e;
            }
        }
        frames.place(frame, anchor, area.index(page), 0, 0);
        long bits = area.entryBits() | PteLayout.YOUNG | PteLayout.DIRTY | (unshare ? 0 : PteLayout.WRITE);
        boolean replaced = false;
        mm.notifyStart(Invalidation.Reason.CLEAR, page, 1, null);
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) == PteLayout.PRESENT
                    && PteLayout.frame(entry) == old
                    && !PteLayout.writable(entry)) {
                // Nobody may see the new page before every translation of the old one is gone.
                leaf.exchange(page, 0);
                mm.mmu().revoke(page);
                if (zero) {
                    mm.rssAnon.getAndIncrement();
                } else {
                    frames.removeMappingKeepReference(old);
                }
                frames.addMappingOwnReference(frame);
                leaf.set(page, PteLayout.make(PteLayout.PRESENT, frame, bits));
                replaced = true;
            }
        } finally {
            leaf.lock.unlock();
            mm.notifyEnd();
        }
        if (!zero) {
            frames.put(old);
            if (replaced) {
                frames.put(old);
            }
        }
        if (!replaced) {
            frames.put(frame);
            return FaultResult.SPURIOUS;
        }
        machine.lruAdd(frame);
        machine.counters.add(Counter.PGCOPY, 1);
        mm.mmu().fill(page, frame, !unshare);
        return FaultResult.COPY_ON_WRITE;
    }

    /** Maps a page again that the page table has and the process's own may not have. */
    static FaultResult mapAgain(Mm mm, long page) {
        Vma area = mm.areas.find(page);
        PageTableLeaf leaf = mm.pageTable.leaf(page);
        if (area == null || area.homed == null || leaf == null) {
            return FaultResult.SPURIOUS;
        }
        return mapAgain(mm, area.homed, leaf, page, leaf.get(page));
    }

    private static FaultResult mapAgain(Mm mm, HomedNode homed, PageTableLeaf leaf, long page, long seen) {
        FrameTable frames = mm.machine().frames;
        long frame = PteLayout.frame(seen);
        boolean writable;
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) != PteLayout.PRESENT || PteLayout.frame(entry) != frame) {
                return FaultResult.SPURIOUS;
            }
            if (!frames.tryLock(frame)) {
                return new FaultResult.Wait(frames.unlocked(frame), FaultKind.MIGRATION_WAIT);
            }
            writable = PteLayout.writable(entry);
        } finally {
            leaf.lock.unlock();
        }
        try {
            homed.access(frame);
            mm.mmu().mapAgain(page, writable);
        } finally {
            frames.unlock(frame);
        }
        return FaultResult.IDLE;
    }

    private static FaultResult devicePrivate(Mm mm, Vma area, PageTableLeaf leaf, long page, long seen, boolean write) {
        Machine machine = mm.machine();
        FrameTable frames = machine.frames;
        long frame = PteLayout.frame(seen);
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) != PteLayout.DEVICE_PRIVATE || PteLayout.frame(entry) != frame) {
                return FaultResult.SPURIOUS;
            }
            if (!frames.tryLock(frame)) {
                return new FaultResult.Wait(frames.unlocked(frame), FaultKind.DEVICE_PAGE);
            }
            frames.get(frame);
        } finally {
            leaf.lock.unlock();
        }
        machine.counters.add(Counter.PGFAULT_DEVICE, 1);
        DeviceFrames device = (DeviceFrames) frames.range(frame).owner;
        DeviceFault fault = machine.spareFaults.take();
        try {
            if (fault == null) {
                fault = new DeviceFault();
            }
            fault.begin(mm, area.start, area.end, page, write ? Access.WRITE : Access.READ, frame, device.memory());
            DriverResult result = device.driver().migrateToRam(fault);
            return switch (result) {
                case DONE -> {
                    long now = leaf.get(page);
                    yield PteLayout.kind(now) == PteLayout.DEVICE_PRIVATE && PteLayout.frame(now) == frame
                            ? new FaultResult.NoProgress(device.name())
                            : FaultResult.DEVICE_PAGE;
                }
                case NO_MEMORY ->
                    new FaultResult.NoMemory(
                            area.homed != null ? area.homed : machine.preferredNode(), FrameDemand.PAGE_COMING_HOME);
                case FAILED -> new FaultResult.Bus(device.name(), "its driver could not bring it home", null);
            };
        } catch (RuntimeException e) {
            return new FaultResult.Bus(device.name(), "its driver failed: " + e.getMessage(), e);
        } finally {
            frames.unlock(frame);
            frames.put(frame);
            if (fault != null) {
                fault.end();
                machine.spareFaults.give(fault);
            }
        }
    }

    private static FaultResult exclusive(Mm mm, Vma area, PageTableLeaf leaf, long page, long seen) {
        FrameTable frames = mm.machine().frames;
        long frame = PteLayout.frame(seen);
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) != PteLayout.DEVICE_EXCLUSIVE || PteLayout.frame(entry) != frame) {
                return FaultResult.SPURIOUS;
            }
            if (!frames.tryLock(frame)) {
                return new FaultResult.Wait(frames.unlocked(frame), FaultKind.EXCLUSIVE);
            }
            frames.get(frame);
        } finally {
            leaf.lock.unlock();
        }
        mm.notifyStart(Invalidation.Reason.CLEAR, page, 1, null);
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) == PteLayout.DEVICE_EXCLUSIVE && PteLayout.frame(entry) == frame) {
                leaf.set(page, presentAfterExclusive(frames, area, entry));
            }
        } finally {
            leaf.lock.unlock();
            mm.notifyEnd();
        }
        frames.unlock(frame);
        frames.put(frame);
        mm.mmu().fill(page, frame, false);
        return FaultResult.EXCLUSIVE;
    }

    /** The entry that a device-exclusive one turns back into (Linux: restore_exclusive_pte): not young, writable if it may. */
    static long presentAfterExclusive(FrameTable frames, Vma area, long entry) {
        long frame = PteLayout.frame(entry);
        boolean write = area.protection.writable() && frames.has(frame, Frames.ANON | Frames.ANON_EXCLUSIVE);
        return PteLayout.make(
                PteLayout.PRESENT, frame, area.entryBits() | (write ? PteLayout.WRITE : 0) | PteLayout.DIRTY);
    }

    /** {@return the address of a page, for messages} */
    static String at(long page) {
        return "0x" + Long.toHexString(Page.address(page));
    }
}
