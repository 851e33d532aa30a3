package org.heteromem.stress.soak;

import org.heteromem.core.Access;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryHold;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.mmu.TranslatedMemory;

/** What executes on a {@link SoakDevice}: it translates by the device's table and nothing else. One thread uses it. */
final class ComputeUnit extends TranslatedMemory implements AutoCloseable {
    private final SoakDevice device;
    private final MemoryHold hold;

    ComputeUnit(SoakDevice device) {
        this.device = device;
        this.hold = device.hold();
    }

    @Override
    public void close() {
        hold.close();
    }

    @Override
    protected void refill(long address, Access access) {
        long page = Page.of(address);
        long entry = device.entry(page);
        if (access == Access.WRITE ? !SoakDevice.writable(entry) : !SoakDevice.valid(entry)) {
            device.fault(page, access);
            return;
        }
        MemoryManager.FrameLocation at;
        try {
            at = device.locate(SoakDevice.frame(entry));
        } catch (MemoryException e) {
            if (device.entry(page) != entry) {
                // The page has left that memory since, and the memory the machine.
                return;
            }
            throw e;
        }
        var chunk = at.store().segment(at.offset());
        if (chunk == null) {
            throw new IllegalStateException("device entry 0x" + Long.toHexString(entry) + " is not addressable");
        }
        install(page, chunk, at.offset() & (at.store().chunkBytes() - 1), SoakDevice.writable(entry));
        if (device.entry(page) != entry) {
            invalidate(page);
        }
    }
}
