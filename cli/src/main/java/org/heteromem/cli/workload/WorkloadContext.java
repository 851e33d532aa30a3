package org.heteromem.cli.workload;

import org.heteromem.devices.accelerator.Kernel;

/**
 * The machine that a job runs on: memory of a process, CPU threads and an accelerator which all see it at the same
 * addresses. Used by the one thread that runs the job. A phase has ended, and everything it stored is visible to the
 * next, when the method that started it returns; a phase that fails makes that method throw what it threw.
 */
public interface WorkloadContext {
    /**
     * Allocates ordinary, zeroed memory of the process.
     *
     * @param bytes how much, at least 1
     * @param name what it holds, for people: shown in errors and reports
     * @return its address, aligned to a page
     */
    long allocate(long bytes, String name);

    /**
     * Gives memory back; its addresses must not be used any more.
     *
     * @param address what {@link #allocate} returned
     */
    void free(long address);

    /** Runs a phase on one CPU thread. */
    void cpu(String phase, CpuPhase body);

    /** Runs a phase on all CPU threads of the process. */
    void cpuParallel(String phase, ParallelCpuPhase body);

    /** Runs a kernel on all compute units of the accelerator. */
    void accelerate(String phase, Kernel kernel);

    /**
     * Says how far the job has come.
     *
     * @param done the share of the work that is done, from 0 to 1, never less than before
     */
    void progress(double done);
}
