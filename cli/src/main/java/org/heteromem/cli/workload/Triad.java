package org.heteromem.cli.workload;

import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * The triad of the STREAM benchmark, {@code a[i] = b[i] + s * c[i]}, over three arrays of doubles. Accelerator and CPU
 * take turns: the accelerator computes {@code a} from {@code b} and {@code c}, the CPU then {@code b} from {@code c}
 * and {@code a}, so that each turn finds two thirds of its data where the other side left it.
 */
final class Triad implements Workload {
    private static final int ROUNDS = 4;
    private static final double SCALAR = 0.375;

    @Override
    public String name() {
        return "triad";
    }

    @Override
    public String summary() {
        return "a = b + s * c over large arrays, in turns: accelerator and CPU each overwrite what the other reads";
    }

    @Override
    public FileUse fileUse() {
        return FileUse.NONE;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        input.refuseFile(name());
        return new Job((int) (input.workingSetBytes() / 3 / Double.BYTES), input.seed());
    }

    /**
     * One turn: {@code result[i] = left[i] + scalar * right[i]}.
     *
     * @param result address of the array to write
     * @param left address of the first array to read
     * @param right address of the second array to read
     * @param count elements in each
     * @param scalar the factor
     */
    record ScaleAndAdd(long result, long left, long right, int count, double scalar) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice slice = Slice.of(count, unit, units);
            for (long offset = 8L * slice.from(); offset < 8L * slice.to(); offset += 8) {
                double sum = memory.loadDouble(left + offset) + scalar * memory.loadDouble(right + offset);
                memory.storeDouble(result + offset, sum);
            }
        }
    }

    private static final class Job implements WorkloadJob {
        private final int count;
        private final double[] inputB;
        private final double[] inputC;
        private long a;
        private long b;
        private double[] expectedA = {};
        private double[] expectedB = {};

        Job(int count, long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            this.count = count;
            this.inputB = random.doubles(count).toArray();
            this.inputC = random.doubles(count).toArray();
        }

        @Override
        public String input() {
            return String.format(Locale.ROOT, "3 arrays of %,d doubles, %d rounds", count, ROUNDS);
        }

        @Override
        public long workingSetBytes() {
            return 24L * count;
        }

        @Override
        public void run(WorkloadContext context) {
            a = context.allocate(8L * count, "a");
            b = context.allocate(8L * count, "b");
            long c = context.allocate(8L * count, "c");
            context.cpuParallel("initialise", (memory, thread, threads) -> {
                Slice slice = Slice.of(count, thread, threads);
                for (int i = slice.from(); i < slice.to(); i++) {
                    memory.storeDouble(b + 8L * i, inputB[i]);
                    memory.storeDouble(c + 8L * i, inputC[i]);
                }
            });
            for (int round = 0; round < ROUNDS; round++) {
                context.progress((double) round / ROUNDS);
                context.accelerate("triad on the accelerator", new ScaleAndAdd(a, b, c, count, SCALAR));
                context.cpuParallel("triad on the CPU", new ScaleAndAdd(b, c, a, count, SCALAR)::run);
            }
            context.progress(1);
        }

        @Override
        public void runPlain() {
            double[] plainA = new double[count];
            double[] plainB = inputB.clone();
            for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < count; i++) {
                    plainA[i] = plainB[i] + SCALAR * inputC[i];
                }
                for (int i = 0; i < count; i++) {
                    plainB[i] = inputC[i] + SCALAR * plainA[i];
                }
            }
            expectedA = plainA;
            expectedB = plainB;
        }

        @Override
        public void verify(MemoryAccess memory) {
            Results.require(a != 0 && expectedA.length > 0);
            verify("a", a, expectedA, memory);
            verify("b", b, expectedB, memory);
        }

        private static void verify(String array, long address, double[] expected, MemoryAccess memory) {
            for (int i = 0; i < expected.length; i++) {
                double actual = memory.loadDouble(address + 8L * i);
                if (Results.differ(expected[i], actual)) {
                    throw new WrongResultException(array + "[" + i + "]", address + 8L * i, expected[i], actual);
                }
            }
        }

        @Override
        public List<String> results(MemoryAccess memory) {
            Results.require(a != 0);
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += memory.loadDouble(a + 8L * i);
            }
            return List.of(String.format(Locale.ROOT, "mean of a: %.9f", sum / count));
        }
    }
}
