package org.heteromem.cli.workload;

import org.heteromem.core.MemoryAccess;

/** Work of one CPU thread. */
@FunctionalInterface
public interface CpuPhase {
    /** Does the work through the memory of the thread that executes it. */
    void run(MemoryAccess memory);
}
