package org.heteromem.cli.workload;

import java.util.Optional;

/**
 * Merge sort of records by a 64-bit key: the accelerator sorts runs that fit its local memory, then accelerator and CPU
 * merge in turns, each level reading what the other side wrote. With a file the records stand for its lines, and equal
 * keys (the first eight bytes) are told apart by the rest of the lines; without one the keys are random.
 */
final class Sort implements Workload {
    @Override
    public String name() {
        return "sort";
    }

    @Override
    public String summary() {
        return "merge sort of 64-bit keys, or of the lines of a file: accelerator sorts runs, both merge in turns";
    }

    @Override
    public FileUse fileUse() {
        return FileUse.OPTIONAL;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        Optional<byte[]> text = input.file().map(InputFile::readAllBytes);
        int count = (int) (input.workingSetBytes() / SortJob.BYTES_PER_RECORD);
        return new SortJob(text.map(SortInput::lines).orElseGet(() -> SortInput.random(input.seed(), count)));
    }
}
