package org.heteromem.cli.workload;

import java.nio.file.Path;
import java.util.Optional;
import org.heteromem.cli.BadInputException;

/**
 * What a workload is given.
 *
 * @param file the file to work on, if one was named
 * @param seed the seed of everything random: equal seeds give equal input
 * @param workingSetBytes about how much memory the job shall allocate, in bytes, from {@link #MIN_WORKING_SET_BYTES} to
 *     {@link #MAX_WORKING_SET_BYTES}; what a file holds is allocated whatever its size
 */
public record WorkloadInput(Optional<Path> file, long seed, long workingSetBytes) {
    /** The smallest working set, in bytes: below it the parts of a job are smaller than a page. */
    public static final long MIN_WORKING_SET_BYTES = 512L << 10;

    /** The largest working set, in bytes: the plain computation keeps its data in Java arrays. */
    public static final long MAX_WORKING_SET_BYTES = 4L << 30;

    /**
     * The working set of a run that names no size, in bytes: 1.75 times the default accelerator (32 MiB), and less than
     * the default RAM (64 MiB).
     */
    public static final long DEFAULT_WORKING_SET_BYTES = 56L << 20;

    /**
     * Checks the size.
     *
     * @throws BadInputException if the working set is out of range
     */
    public WorkloadInput {
        if (workingSetBytes < MIN_WORKING_SET_BYTES || workingSetBytes > MAX_WORKING_SET_BYTES) {
            throw new BadInputException("working set of " + workingSetBytes + " bytes is out of range: it must be from "
                    + MIN_WORKING_SET_BYTES + " to " + MAX_WORKING_SET_BYTES);
        }
    }

    /** Input without a file. */
    public static WorkloadInput generated(long seed, long workingSetBytes) {
        return new WorkloadInput(Optional.empty(), seed, workingSetBytes);
    }

    /** Fails with one clear line if a file was named and {@code workload} takes none. */
    void refuseFile(String workload) {
        if (file.isPresent()) {
            throw new BadInputException(workload + " takes no file, but was given " + file.get()
                    + ": it generates its input from the seed");
        }
    }
}
