package org.heteromem.cli.run;

import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import org.heteromem.cli.workload.Workload;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.live.Heteromem;

/**
 * Runs the kernels on the accelerator of this run's daemon, in its process: pages go there and come back as they are touched.
 *
 * <p>Objects do not travel. A kernel is a record of numbers and addresses, so its class and its components say everything;
 * the daemon makes it again.
 *
 * @param memory whose daemon has the device
 * @param label the device as people write it
 */
record AcceleratorPhases(Heteromem memory, String label) implements DevicePhases {
    /** {@return where the daemon finds the classes of all kernels of workloads} */
    static Path kernels() {
        try {
            return Path.of(Workload.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the program's own classes are at no path that a daemon could read", e);
        }
    }

    @Override
    public void run(Kernel kernel) throws InterruptedException, ExecutionException {
        memory.launchAsync(kernel.getClass().getName(), components(kernel)).get();
    }

    private static Object[] components(Kernel kernel) {
        RecordComponent[] components = kernel.getClass().getRecordComponents();
        if (components == null) {
            throw new IllegalArgumentException(
                    "kernel " + kernel.getClass().getName() + " is no record, so nobody can say what it is made of");
        }
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            try {
                components[i].getAccessor().setAccessible(true); // the records are private to their workloads
                values[i] = components[i].getAccessor().invoke(kernel);
            } catch (IllegalAccessException | InvocationTargetException | InaccessibleObjectException e) {
                throw new IllegalStateException("component " + components[i] + " cannot be read", e);
            }
        }
        return values;
    }
}
