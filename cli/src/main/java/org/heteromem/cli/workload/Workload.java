package org.heteromem.cli.workload;

/** A program that {@code heteromem run} knows by name. Immutable and thread-safe. */
public interface Workload {
    /** What kind of file, if any, a workload reads. */
    enum FileUse {
        /** The workload generates its input; a file is an error. */
        NONE,
        /** A file may be named; without one the input is generated or comes with the program. */
        OPTIONAL
    }

    /** The name on the command line: lower-case letters. */
    String name();

    /** One line that says what it computes and who does which part. */
    String summary();

    /** Whether a file may be given. */
    FileUse fileUse();

    /**
     * Whether its kernels run on a device in live mode unless something else is asked for. Not where the point is what a
     * program of nothing but threads gets out of more memory than RAM.
     */
    default boolean wantsDevice() {
        return true;
    }

    /**
     * Reads or generates the input, into Java arrays; touches no memory of the modelled process.
     *
     * @throws org.heteromem.cli.BadInputException if the file is missing or malformed, or was given to a workload that
     *     takes none
     */
    WorkloadJob prepare(WorkloadInput input);
}
