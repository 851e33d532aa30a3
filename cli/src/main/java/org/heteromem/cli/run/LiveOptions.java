package org.heteromem.cli.run;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.live.Options;

/**
 * What shall run on the memory of this process.
 *
 * @param workload the program
 * @param file what it reads, if anything
 * @param workingSetBytes about how much memory it shall allocate
 * @param ramBytes RAM that it may have, if that was said; else half of what it allocates
 * @param overflow devices for what does not fit, fastest first; empty for one of the default kind, large enough
 * @param deviceBytes memory of the device that runs kernels, 0 if CPU threads shall run them; empty for as much as RAM, if the
 *     workload wants a device at all
 * @param seed of everything random in the input
 * @param threads CPU threads, from 1 to {@link RunOptions#MAX_THREADS}
 */
public record LiveOptions(
        Workload workload,
        Optional<Path> file,
        long workingSetBytes,
        OptionalLong ramBytes,
        List<OverflowSpec> overflow,
        OptionalLong deviceBytes,
        long seed,
        int threads) {
    /** The working set of a run that says neither this nor the RAM, in bytes. */
    public static final long DEFAULT_WORKING_SET_BYTES = 64L << 20;

    /** How many times as large as RAM the working set is if only one of them is named. */
    public static final int PRESSURE = 2;

    private static final long MEBIBYTE = 1L << 20;

    /**
     * Checks the number of threads.
     *
     * @throws BadInputException if it is out of range
     */
    public LiveOptions {
        overflow = List.copyOf(overflow);
        if (threads < 1 || threads > RunOptions.MAX_THREADS) {
            throw new BadInputException(
                    "--threads: " + threads + " CPU threads are out of range: from 1 to " + RunOptions.MAX_THREADS);
        }
    }

    /**
     * {@return the working set of a run that names none}
     *
     * @param ramBytes RAM, if that was said
     */
    public static long workingSet(OptionalLong ramBytes) {
        return ramBytes.isEmpty()
                ? DEFAULT_WORKING_SET_BYTES
                : Math.clamp(
                        PRESSURE * ramBytes.getAsLong(),
                        WorkloadInput.MIN_WORKING_SET_BYTES,
                        WorkloadInput.MAX_WORKING_SET_BYTES);
    }

    /**
     * {@return the RAM of a job}
     *
     * @param jobBytes what it allocates
     */
    long ramFor(long jobBytes) {
        return ramBytes.orElseGet(
                () -> Math.max(RunOptions.MIN_RAM_BYTES, jobBytes / PRESSURE & -org.heteromem.core.Page.SIZE));
    }

    /**
     * {@return the overflow of a job}
     *
     * @param jobBytes what it allocates
     */
    List<OverflowSpec> overflowFor(long jobBytes) {
        return overflow.isEmpty() ? List.of(OverflowSpec.roomFor(jobBytes)) : overflow;
    }

    /**
     * {@return memory of the device that runs the job's kernels in bytes, 0 if CPU threads do}
     *
     * @param jobBytes what it allocates
     */
    long deviceFor(long jobBytes) {
        return deviceBytes.orElseGet(() -> workload.wantsDevice()
                ? Math.max(DeviceSpec.MIN_BYTES, (ramFor(jobBytes) + MEBIBYTE - 1) & -MEBIBYTE)
                : 0);
    }

    /**
     * {@return what the job's memory is opened with}
     *
     * @param jobBytes what it allocates
     */
    Options memory(long jobBytes) {
        Options options = Options.ram(ramFor(jobBytes)).name("heteromem run " + workload.name());
        for (OverflowSpec one : overflowFor(jobBytes)) {
            options = options.overflow(one.device(), one.bytes());
        }
        long device = deviceFor(jobBytes);
        return device == 0 ? options : options.accelerator(device).kernels(AcceleratorPhases.kernels());
    }
}
