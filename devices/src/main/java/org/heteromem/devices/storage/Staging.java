package org.heteromem.devices.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.heteromem.core.Page;
import org.heteromem.core.device.Spares;

/**
 * Native buffers of 2 MiB for bytes on their way between memories of which neither can be addressed. Kept are as many as were
 * needed at once, within reason; more threads than that at once get buffers of their own. Thread-safe.
 */
final class Staging {
    /** Size of a buffer in bytes. */
    static final int BYTES = Page.PER_BLOCK * Page.SIZE;

    private static final int KEPT = 32;

    private final Spares<MemorySegment> idle = new Spares<>(KEPT);

    MemorySegment take() {
        MemorySegment buffer = idle.take();
        return buffer != null ? buffer : Arena.ofAuto().allocate(BYTES, PageStore.ALIGNMENT);
    }

    void give(MemorySegment buffer) {
        idle.give(buffer);
    }
}
