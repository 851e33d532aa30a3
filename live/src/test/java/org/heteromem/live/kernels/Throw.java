package org.heteromem.live.kernels;

import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/** Fails on one unit. */
public record Throw() implements Kernel {
    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        if (unit == units - 1) {
            throw new IllegalStateException("no luck");
        }
    }
}
