package org.heteromem.live.kernels;

import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/** Says that it has begun, and never ends, whoever interrupts it. */
public record Endless(long begun) implements Kernel {
    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        memory.getAndAddLong(begun, 1);
        for (; ; ) {
            if (!Thread.interrupted()) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}
