package org.heteromem.devices.accelerator;

import org.heteromem.core.MemoryAccess;

/** A program for an accelerator, written in Java against the addresses of the process that launches it. */
@FunctionalInterface
public interface Kernel {
    /**
     * Runs one unit's share of the work. Called on every compute unit at once.
     *
     * @param memory the unit's way to memory, for this call only
     * @param unit which unit, from 0
     * @param units how many units there are
     */
    void run(MemoryAccess memory, int unit, int units);
}
