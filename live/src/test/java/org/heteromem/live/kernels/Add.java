package org.heteromem.live.kernels;

import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/** Adds a number to each of some longs. */
public record Add(long vector, int count, long delta) implements Kernel {
    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        long from = (long) count * unit / units;
        long to = (long) count * (unit + 1) / units;
        for (long i = from; i < to; i++) {
            memory.storeLong(vector + i * 8, memory.loadLong(vector + i * 8) + delta);
        }
    }
}
