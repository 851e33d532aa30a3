package org.heteromem.devices.accelerator;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.MemoryManager.FrameLocation;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.mmu.TranslatedMemory;
import org.jspecify.annotations.Nullable;

/**
 * One compute unit at work in one process. What its translation cache lacks comes from the device's page table, and from
 * there alone; what that lacks becomes a fault, and the unit waits.
 */
final class ComputeUnit extends TranslatedMemory {
    private static final int PATIENCE_YIELDS = 64;
    private static final long PAUSE_NANOS = 500_000;

    private final Machinery device;
    private final Mirror mirror;
    private final FaultService faults;
    private long lastFaultPage = -1;
    private int attempts;
    private int denials;

    ComputeUnit(Machinery device, Mirror mirror, FaultService faults) {
        this.device = device;
        this.mirror = mirror;
        this.faults = faults;
    }

    @Override
    protected void refill(long address, Access access) {
        long page = Page.of(address);
        if (page > DeviceTable.LAST_PAGE) {
            throw new AccessException(
                    AccessException.Signal.SEGV,
                    address,
                    (access == Access.WRITE ? "store" : "load") + " by device '"
                            + device.memory().name() + "': not an address of a process");
        }
        DeviceBlock block = mirror.table().find(page);
        if (block != null) {
            long entry = block.entry(page);
            if (DeviceEntry.allows(entry, access == Access.WRITE)) {
                enter(block, page, entry);
                return;
            }
        }
        attempts = page == lastFaultPage ? attempts + 1 : 1;
        lastFaultPage = page;
        if (attempts == 1) {
            denials = 0;
        }
        PendingFault fault = new PendingFault(mirror, address, page, access, attempts, denials);
        faults.raise(fault);
        fault.await(device.waiting());
        fault.rethrow();
        if (fault.isDenied()) {
            denials++;
            giveWay();
        } else {
            denials = 0;
        }
    }

    /** Whoever holds the page needs time to let go of it: first a turn of the processor, then more. */
    private void giveWay() {
        if (denials < PATIENCE_YIELDS) {
            Thread.yield();
        } else {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void enter(DeviceBlock block, long page, long entry) {
        long frame = DeviceEntry.frame(entry);
        DeviceMemory own = device.memory();
        FrameStore store;
        long offset;
        if (own.contains(frame)) {
            store = own.store();
            offset = own.offset(frame);
        } else {
            FrameLocation location = device.manager().locate(frame);
            store = location.store();
            offset = location.offset();
        }
        @Nullable MemorySegment segment = store.segment(offset);
        if (segment == null) {
            throw new IllegalStateException("frame 0x" + Long.toHexString(frame) + " of "
                    + device.manager().memoryName(frame) + " is mapped by the device but not addressable");
        }
        install(page, segment, offset & (store.chunkBytes() - 1), DeviceEntry.writable(entry));
        if (block.entry(page) != entry) {
            invalidate(page);
        }
        block.used(page, device.useTime());
        lastFaultPage = -1;
    }
}
