package org.heteromem.live.kernels;

import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.devices.accelerator.MemoryRange;

/** Multiplies doubles: all of a range. */
public record Scale(MemoryRange vector, double by) implements Kernel {
    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        for (long at = unit * 8L; at < vector.byteSize(); at += units * 8L) {
            memory.storeDouble(vector.address() + at, memory.loadDouble(vector.address() + at) * by);
        }
    }
}
