package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/** A run of {@link MatMul}: {@code product = left * right}, all by rows, and the sum of each row of the product. */
final class MatMulJob implements WorkloadJob {
    /** Rows and columns of a tile: three tiles are what a compute unit keeps in its local memory. */
    private static final int TILE = 64;

    private static final int INNER = 4 * TILE;

    private final int size;
    private final double[] leftInput;
    private final double[] rightInput;
    private long product;
    private long rowSums;
    private double[] expectedProduct = {};
    private double[] expectedRowSums = {};

    MatMulJob(int size, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        this.size = size;
        this.leftInput = random.doubles((long) size * INNER, -1, 1).toArray();
        this.rightInput = random.doubles((long) size * INNER, -1, 1).toArray();
    }

    /** The largest number of rows of the product, a multiple of the tile, that fits a working set. */
    static int sizeIn(long workingSetBytes) {
        int size = TILE;
        while (bytes(size + TILE) <= workingSetBytes) {
            size += TILE;
        }
        return size;
    }

    private static long bytes(int size) {
        return 8L * size * (size + 2L * INNER + 1);
    }

    @Override
    public String input() {
        return String.format(Locale.ROOT, "%d x %d times %d x %d, tiles of %d", size, INNER, INNER, size, TILE);
    }

    @Override
    public long workingSetBytes() {
        return bytes(size);
    }

    @Override
    public void run(WorkloadContext context) {
        long left = context.allocate(8L * size * INNER, "left factor");
        long right = context.allocate(8L * size * INNER, "right factor");
        product = context.allocate(8L * size * size, "product");
        rowSums = context.allocate(8L * size, "row sums");
        context.cpuParallel("fill factors", (memory, thread, threads) -> {
            Slice slice = Slice.of(size * INNER, thread, threads);
            for (int i = slice.from(); i < slice.to(); i++) {
                memory.storeDouble(left + 8L * i, leftInput[i]);
                memory.storeDouble(right + 8L * i, rightInput[i]);
            }
        });
        context.progress(0.1);
        context.accelerate("multiply", new Multiply(left, right, product, size));
        context.progress(0.9);
        context.cpuParallel("add rows", (memory, thread, threads) -> {
            Slice mine = Slice.of(size, thread, threads);
            for (int row = mine.from(); row < mine.to(); row++) {
                addRow(memory, row);
            }
        });
        context.progress(1);
    }

    private void addRow(MemoryAccess memory, int row) {
        double sum = 0;
        for (int column = 0; column < size; column++) {
            sum += memory.loadDouble(product + 8L * ((long) row * size + column));
        }
        memory.storeDouble(rowSums + 8L * row, sum);
    }

    /**
     * Multiplies. A unit takes rows of tiles; it brings tiles of the factors into local memory, and writes each tile of
     * the product once.
     *
     * @param left address of the left factor
     * @param right address of the right factor
     * @param product address of the product
     * @param size rows and columns of the product
     */
    record Multiply(long left, long right, long product, int size) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            double[] a = new double[TILE * INNER];
            double[] b = new double[TILE * TILE];
            double[] c = new double[TILE * TILE];
            Slice mine = Slice.of(size / TILE, unit, units);
            for (int row = mine.from() * TILE; row < mine.to() * TILE; row += TILE) {
                memory.read(left + 8L * row * INNER, MemorySegment.ofArray(a), 0, 8L * TILE * INNER);
                for (int column = 0; column < size; column += TILE) {
                    Arrays.fill(c, 0);
                    for (int inner = 0; inner < INNER; inner += TILE) {
                        readTile(memory, inner, column, b);
                        multiplyTile(a, inner, b, c);
                    }
                    writeTile(memory, row, column, c);
                }
            }
        }

        private void readTile(MemoryAccess memory, int row, int column, double[] tile) {
            MemorySegment target = MemorySegment.ofArray(tile);
            for (int i = 0; i < TILE; i++) {
                long source = right + 8L * ((long) (row + i) * size + column);
                memory.read(source, target, 8L * i * TILE, 8L * TILE);
            }
        }

        private void writeTile(MemoryAccess memory, int row, int column, double[] tile) {
            MemorySegment source = MemorySegment.ofArray(tile);
            for (int i = 0; i < TILE; i++) {
                long target = product + 8L * ((long) (row + i) * size + column);
                memory.write(target, source, 8L * i * TILE, 8L * TILE);
            }
        }

        /** Adds the product of two tiles; of each element the terms are added in rising order of the inner index. */
        private static void multiplyTile(double[] a, int inner, double[] b, double[] c) {
            for (int i = 0; i < TILE; i++) {
                for (int k = 0; k < TILE; k++) {
                    double factor = a[i * INNER + inner + k];
                    for (int j = 0; j < TILE; j++) {
                        c[i * TILE + j] += factor * b[k * TILE + j];
                    }
                }
            }
        }
    }

    @Override
    public void runPlain() {
        double[] plain = new double[size * size];
        double[] sums = new double[size];
        for (int row = 0; row < size; row++) {
            int first = row * size;
            for (int inner = 0; inner < INNER; inner++) {
                double factor = leftInput[row * INNER + inner];
                for (int column = 0; column < size; column++) {
                    plain[first + column] += factor * rightInput[inner * size + column];
                }
            }
            for (int column = 0; column < size; column++) {
                sums[row] += plain[first + column];
            }
        }
        expectedProduct = plain;
        expectedRowSums = sums;
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(product != 0 && expectedProduct.length > 0);
        double[] row = new double[size];
        for (int i = 0; i < size; i++) {
            long rowAddress = product + 8L * size * i;
            memory.read(rowAddress, MemorySegment.ofArray(row), 0, 8L * size);
            for (int j = 0; j < size; j++) {
                if (Results.differ(expectedProduct[i * size + j], row[j])) {
                    String what = "product[" + i + "][" + j + "]";
                    throw new WrongResultException(what, rowAddress + 8L * j, expectedProduct[i * size + j], row[j]);
                }
            }
            double sum = memory.loadDouble(rowSums + 8L * i);
            if (Results.differ(expectedRowSums[i], sum)) {
                throw new WrongResultException("sum of row " + i, rowSums + 8L * i, expectedRowSums[i], sum);
            }
        }
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(product != 0);
        double trace = 0;
        double sum = 0;
        for (int i = 0; i < size; i++) {
            trace += memory.loadDouble(product + 8L * ((long) i * size + i));
            sum += memory.loadDouble(rowSums + 8L * i);
        }
        return List.of(String.format(Locale.ROOT, "trace %.6f, sum of all elements %.6f", trace, sum));
    }
}
