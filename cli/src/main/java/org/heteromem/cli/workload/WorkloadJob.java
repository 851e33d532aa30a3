package org.heteromem.cli.workload;

import java.util.List;
import org.heteromem.core.MemoryAccess;

/**
 * One run of a workload over one input. A job is used once, by one thread, in the order {@link #run}, {@link #runPlain}
 * (the two may change places), {@link #verify}, {@link #results}; calling {@code verify} or {@code results} earlier is
 * an {@link IllegalStateException}.
 */
public interface WorkloadJob {
    /** One line that describes the input, for example how many nodes and edges a graph has. */
    String input();

    /** The memory that {@link #run} allocates, in bytes, before rounding to pages. */
    long workingSetBytes();

    /** Allocates from the context, and runs the phases; returns when the result lies in the context's memory. */
    void run(WorkloadContext context);

    /**
     * Computes the same result on Java arrays in the calling thread. Shares the input with {@link #run} but no buffer
     * that either of them writes.
     */
    void runPlain();

    /**
     * Compares the result in the process's memory with that of {@link #runPlain}, exactly: integers by value,
     * floating-point numbers by their bits.
     *
     * @param memory the view of a CPU thread
     * @throws WrongResultException at the first difference, naming place, expected and actual value
     */
    void verify(MemoryAccess memory);

    /** What the computation found, in a few lines for people, read from the process's memory. */
    List<String> results(MemoryAccess memory);
}
