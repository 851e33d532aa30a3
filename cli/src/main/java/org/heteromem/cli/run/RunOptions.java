package org.heteromem.cli.run;

import java.nio.file.Path;
import java.util.Optional;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.policy.Policies;

/**
 * What shall run on what.
 *
 * @param workload the program
 * @param file what it reads, if anything
 * @param workingSetBytes about how much memory it shall allocate
 * @param ramBytes size of the one node of RAM, from {@link #MIN_RAM_BYTES} to {@link #MAX_RAM_BYTES}
 * @param device the one device
 * @param policies who decides what moves
 * @param seed of everything random in the input
 * @param threads CPU threads, from 1 to {@link #MAX_THREADS}
 */
public record RunOptions(
        Workload workload,
        Optional<Path> file,
        long workingSetBytes,
        long ramBytes,
        DeviceSpec device,
        PolicySet policies,
        long seed,
        int threads) {
    /** The least RAM, in bytes. */
    public static final long MIN_RAM_BYTES = 1L << 20;
    /** The most RAM, in bytes: four times the largest working set. */
    public static final long MAX_RAM_BYTES = 16L << 30;
    /** The RAM of a run that names none. */
    public static final String DEFAULT_RAM = "64M";
    /** The most CPU threads. */
    public static final int MAX_THREADS = 256;
    /** The CPU threads of a run that names none. */
    public static final int DEFAULT_THREADS = 2;
    /** The seed of a run that names none. */
    public static final long DEFAULT_SEED = 42;

    /**
     * Checks the number of threads.
     *
     * @throws BadInputException if it is out of range
     */
    public RunOptions {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new BadInputException(
                    "--threads: " + threads + " CPU threads are out of range: from 1 to " + MAX_THREADS);
        }
    }

    /** {@return the options of a run that names nothing but a workload} */
    public static RunOptions defaults(String workload) {
        DeviceSpec device = DeviceSpec.parse(DeviceSpec.DEFAULT);
        long ram = parseRam(DEFAULT_RAM);
        return new RunOptions(
                Workloads.named(workload),
                Optional.empty(),
                workingSet(ram, device.bytes()),
                ram,
                device,
                policies(Policies.DEFAULT_PLACEMENT),
                DEFAULT_SEED,
                DEFAULT_THREADS);
    }

    /**
     * {@return the size of RAM}
     *
     * @param text as given
     * @throws BadInputException if it is none, or out of range
     */
    public static long parseRam(String text) {
        return Sizes.parse("--ram", text, MIN_RAM_BYTES, MAX_RAM_BYTES);
    }

    /**
     * {@return the policies with a name}
     *
     * @param name as given
     * @throws BadInputException if there are none, with the names there are
     */
    public static PolicySet policies(String name) {
        try {
            return Policies.byName(name);
        } catch (IllegalArgumentException e) {
            throw new BadInputException("--policy: " + e.getMessage(), e);
        }
    }

    /**
     * {@return the working set of a run that names none: 1.75 times the device, but no more than four fifths of all memory}
     *
     * @param ramBytes size of RAM
     * @param deviceBytes size of the device
     */
    public static long workingSet(long ramBytes, long deviceBytes) {
        long overflowing = deviceBytes / 4 * 7;
        long fitting = (ramBytes + deviceBytes) / 5 * 4;
        return Math.clamp(
                Math.min(overflowing, fitting),
                WorkloadInput.MIN_WORKING_SET_BYTES,
                WorkloadInput.MAX_WORKING_SET_BYTES);
    }
}
