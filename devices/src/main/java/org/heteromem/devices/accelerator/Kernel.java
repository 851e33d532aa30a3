package org.heteromem.devices.accelerator;

import org.heteromem.core.MemoryAccess;

/** A program for the compute units of an accelerator. */
@FunctionalInterface
public interface Kernel {
    /**
     * Does the share of one compute unit. Units run at the same time, each on its own thread; what they have in common
     * they order by the atomics of {@code memory}.
     *
     * @param memory the addresses of the process, as this unit sees them; for this call only
     * @param unit which unit, from 0
     * @param units how many units there are
     */
    void run(MemoryAccess memory, int unit, int units);
}
