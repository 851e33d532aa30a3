package org.heteromem.cli.run;

import java.util.concurrent.ExecutionException;
import org.heteromem.devices.accelerator.Kernel;

/** Who runs those phases of a job that are kernels for a device, in live mode. */
interface DevicePhases {
    /** {@return who it is, for people: {@code CPU}, or a device as {@code accelerator:32M}} */
    String label();

    /**
     * Runs a kernel on the memory of this process and waits for its end.
     *
     * @param kernel what to run, on all compute units
     * @throws ExecutionException if it threw, with what
     * @throws InterruptedException if the thread was interrupted while it waited
     */
    void run(Kernel kernel) throws InterruptedException, ExecutionException;
}
