package org.heteromem.core.mirror;

import java.util.function.LongConsumer;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.space.PageReference;
import org.jspecify.annotations.Nullable;

/**
 * Gives a device a page for itself, so that its atomics are atomic towards the CPU although they do not cross the bus
 * (Linux: make_device_exclusive). The next touch by a CPU, another device or a reference takes it back, after the notifier
 * said so. Thread-safe.
 */
public final class ExclusiveAccess {
    private ExclusiveAccess() {}

    /**
     * Makes one page exclusive.
     *
     * @param space whose address
     * @param address an address in the page
     * @param owner the device; its notifier sees it as the owner of the invalidation
     * @param programme fills the device's table, given the frame; runs while the page is locked, must not call back
     * @throws MemoryException EFAULT where no store is allowed, EOPNOTSUPP on shared and on homed memory
     */
    public static void make(AddressSpace space, long address, Object owner, LongConsumer programme) {
        @Nullable Errno failed = PageReference.makeExclusive(space.mm(), Page.of(address), owner, programme);
        if (failed != null) {
            throw new MemoryException(
                    failed,
                    "exclusive access to 0x" + Long.toHexString(address) + ": "
                            + (failed == Errno.EFAULT ? "the page cannot be written" : "the page is not private"));
        }
    }
}
