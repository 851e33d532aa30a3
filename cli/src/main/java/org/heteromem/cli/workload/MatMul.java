package org.heteromem.cli.workload;

/**
 * Product of two matrices of doubles, in tiles: the CPU fills the factors, the accelerator multiplies tile by tile, the
 * CPU adds up the rows of the product. The factors are long and narrow ({@code m x INNER} and {@code INNER x m}), so
 * that the product takes most of the memory and the time stays within seconds.
 */
final class MatMul implements Workload {
    @Override
    public String name() {
        return "matmul";
    }

    @Override
    public String summary() {
        return "product of two matrices: CPU fills the factors and reduces the product, accelerator multiplies tiles";
    }

    @Override
    public FileUse fileUse() {
        return FileUse.NONE;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        input.refuseFile(name());
        return new MatMulJob(MatMulJob.sizeIn(input.workingSetBytes()), input.seed());
    }
}
