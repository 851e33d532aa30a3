package org.heteromem.devices.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * Native buffers of 2 MiB for bytes on their way between memories of which neither can be addressed. A few are kept; more
 * threads than that at once get buffers of their own. Thread-safe.
 */
final class Staging {
    /** Size of a buffer in bytes. */
    static final int BYTES = Page.PER_BLOCK * Page.SIZE;

    private static final int KEPT = 8;

    private final AtomicReferenceArray<@Nullable MemorySegment> idle = new AtomicReferenceArray<>(KEPT);

    MemorySegment take() {
        for (int i = 0; i < KEPT; i++) {
            if (idle.getPlain(i) != null) {
                MemorySegment buffer = idle.getAndSet(i, null);
                if (buffer != null) {
                    return buffer;
                }
            }
        }
        return Arena.ofAuto().allocate(BYTES, PageStore.ALIGNMENT);
    }

    void give(MemorySegment buffer) {
        for (int i = 0; i < KEPT; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, buffer)) {
                return;
            }
        }
    }
}
