package org.heteromem.cli.workload;

import org.heteromem.core.MemoryAccess;

/** Work of several CPU threads at once. */
@FunctionalInterface
public interface ParallelCpuPhase {
    /**
     * Does one part of the work.
     *
     * @param memory the memory of the thread that executes this part
     * @param thread which part, from 0
     * @param threads how many parts there are, at least 1
     */
    void run(MemoryAccess memory, int thread, int threads);
}
