package org.heteromem.cli.run;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.heteromem.devices.accelerator.Kernel;

/**
 * Runs the kernels on CPU threads of this process, one a unit: for programs that want no device, and daemons that have none.
 *
 * @param threads at least as many as there are units
 * @param units compute units
 */
record CpuDevicePhases(ExecutorService threads, int units) implements DevicePhases {
    @Override
    public String label() {
        return "CPU";
    }

    @Override
    public void run(Kernel kernel) throws InterruptedException, ExecutionException {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int unit = 0; unit < units; unit++) {
            int number = unit;
            tasks.add(() -> {
                kernel.run(SegmentMemory.INSTANCE, number, units);
                return null;
            });
        }
        for (Future<Void> task : threads.invokeAll(tasks)) {
            task.get();
        }
    }
}
