package org.heteromem.cli.workload;

/**
 * Radix-partitioned hash join: the accelerator partitions both relations by their keys' hashes and builds the hash
 * tables, the CPU probes them, a group of partitions at a time.
 */
final class HashJoin implements Workload {
    @Override
    public String name() {
        return "hashjoin";
    }

    @Override
    public String summary() {
        return "radix-partitioned hash join: accelerator partitions and builds hash tables, CPU probes them";
    }

    @Override
    public boolean wantsDevice() {
        return false;
    }

    @Override
    public FileUse fileUse() {
        return FileUse.NONE;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        input.refuseFile(name());
        return new HashJoinJob(HashJoinJob.buildTuplesIn(input.workingSetBytes()), input.seed());
    }
}
