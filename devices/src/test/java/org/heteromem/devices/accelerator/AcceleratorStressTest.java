package org.heteromem.devices.accelerator;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryAccess;
import org.heteromem.core.Page;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * CPU threads, kernels and migrators against each other on the same pages. Every page has a word for each writer, which
 * holds the number of its stores there; a reader that sees a smaller number than before, or a final number that is not that
 * of the stores issued, means a store was lost or a stale copy was read. All writers also add to one word of each page.
 *
 * <p>{@code -Dheteromem.seed=N} repeats a run's choices, {@code -Dheteromem.stress.millis=N} makes it longer.
 */
class AcceleratorStressTest {
    private static final int CPUS = 2;
    private static final int UNITS = 4;
    private static final int WRITERS = CPUS + UNITS;
    private static final long COMMON = WRITERS * 8L;
    private static final long BULK = 1024;

    private final AtomicBoolean stop = new AtomicBoolean();

    /** One writer and reader, and all it knows. */
    private final class Worker {
        final int number;
        final long at;
        final int pages;
        final SplittableRandom random;
        final long[] stored;
        final long[] added;
        final long[][] seen;
        final byte[] buffer = new byte[512];

        Worker(int number, long at, int pages, SplittableRandom random) {
            this.number = number;
            this.at = at;
            this.pages = pages;
            this.random = random;
            this.stored = new long[pages];
            this.added = new long[pages];
            this.seen = new long[pages][WRITERS];
        }

        void work(MemoryAccess memory) {
            while (!stop.get()) {
                int page = random.nextInt(pages);
                long base = at + (long) page * Page.SIZE;
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> memory.storeLong(base + number * 8L, ++stored[page]);
                    case 3 -> {
                        long before = memory.getAndAddLong(base + COMMON, 1);
                        added[page]++;
                        assertThat(before).isNotNegative();
                    }
                    case 4 -> bulk(memory, base);
                    default -> look(memory, page, base, random.nextInt(WRITERS));
                }
            }
        }

        private void look(MemoryAccess memory, int page, long base, int writer) {
            long value = memory.loadLong(base + writer * 8L);
            if (value < seen[page][writer] || (writer == number && value != stored[page])) {
                throw new AssertionError("worker " + number + " saw version " + value + " of writer " + writer
                        + " in page " + page + " after " + Math.max(seen[page][writer], stored[page]));
            }
            seen[page][writer] = value;
        }

        /** Writes a run of equal bytes of its own and reads it back. */
        private void bulk(MemoryAccess memory, long base) {
            byte value = (byte) random.nextInt();
            MemorySegment segment = MemorySegment.ofArray(buffer);
            segment.fill(value);
            long mine = base + BULK + number * 512L;
            memory.write(mine, segment, 0, 512);
            segment.fill((byte) ~value);
            memory.read(mine, segment, 0, 512);
            for (byte b : buffer) {
                if (b != value) {
                    throw new AssertionError("worker " + number + " wrote " + value + " and read " + b);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        // RAM pages, device pages, pages used, forks
        "4096,  64, 300, on-demand,               true",
        "4096, 600, 1500, tree,                   true",
        " 200,  96, 270, on-demand,               false",
        " 200,  96, 270, block-64k,               false",
        "1200, 700, 1700, block-2m,               false",
        "1200, 700, 1700, tree+lru-allocated,     false",
    })
    void noStoreIsLostAndNoVersionGoesBack(int ram, int devicePages, int pages, String policy, boolean forks)
            throws Exception {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        long millis = Long.getLong("heteromem.stress.millis", 700);
        System.out.println("accelerator stress " + ram + "+" + devicePages + " pages, " + policy + ": seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (Bench bench = Bench.threaded(ram, devicePages, policy)) {
            long at = bench.map(pages);
            List<Worker> workers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                workers.add(new Worker(i, at, pages, random.split()));
            }
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                assertThat(units).isEqualTo(UNITS);
                guarded(() -> workers.get(CPUS + unit).work(memory));
            });
            List<Future<?>> threads = new ArrayList<>();
            for (int i = 0; i < CPUS; i++) {
                Worker worker = workers.get(i);
                threads.add(bench.threads().submit(() -> {
                    try (Cpu cpu = bench.space.newCpu()) {
                        guarded(() -> worker.work(cpu));
                    }
                }));
            }
            SplittableRandom moves = random.split();
            threads.add(bench.threads().submit(() -> guarded(() -> migrate(bench, at, pages, moves, forks))));
            Thread.sleep(millis);
            stop.set(true);
            launch.join();
            for (Future<?> thread : threads) {
                thread.get();
            }
            checkFinal(bench, at, pages, workers);
            bench.space.exit();
            assertThat(bench.accelerator.freeFrames())
                    .as("frames of the device")
                    .isEqualTo(devicePages);
            assertThat(bench.manager.nodes().getFirst().freeFrames())
                    .as("frames of RAM, but for the zero page")
                    .isEqualTo(ram - 1);
        }
    }

    private void guarded(Runnable work) {
        try {
            work.run();
        } finally {
            stop.set(true);
        }
    }

    /** Moves ranges both ways by wish, beside those that faults and pressure move; and forks. */
    private void migrate(Bench bench, long at, int pages, SplittableRandom random, boolean forks) {
        while (!stop.get()) {
            int first = random.nextInt(pages);
            int count = 1 + random.nextInt(Math.min(64, pages - first));
            switch (random.nextInt(forks ? 4 : 3)) {
                case 0 ->
                    bench.accelerator.prefetch(bench.space, at + (long) first * Page.SIZE, (long) count * Page.SIZE);
                case 1 -> bench.accelerator.tick();
                case 2 -> {
                    bench.accelerator.blocks().stream()
                            .skip(random.nextInt(1 + bench.accelerator.blocks().size()))
                            .findFirst()
                            .ifPresent(block -> bench.load(at + (long) first * Page.SIZE));
                }
                default -> lookThroughAFork(bench, at, pages, random);
            }
        }
    }

    private static void lookThroughAFork(Bench bench, long at, int pages, SplittableRandom random) {
        AddressSpace child = bench.space.fork();
        try (Cpu cpu = child.newCpu()) {
            for (int i = 0; i < 8; i++) {
                long base = at + (long) random.nextInt(pages) * Page.SIZE + 8L * random.nextInt(WRITERS);
                long value = cpu.loadLong(base);
                Thread.yield();
                // The child's memory stands still, whatever the parent's kernels store.
                assertThat(cpu.loadLong(base)).isEqualTo(value);
                cpu.storeLong(base, -value);
            }
        }
        child.exit();
    }

    private static void checkFinal(Bench bench, long at, int pages, List<Worker> workers) {
        AtomicLongArray common = new AtomicLongArray(pages);
        try (Cpu cpu = bench.space.newCpu()) {
            for (int page = 0; page < pages; page++) {
                long base = at + (long) page * Page.SIZE;
                for (Worker worker : workers) {
                    assertThat(cpu.loadLong(base + worker.number * 8L))
                            .as("stores of writer %d to page %d", worker.number, page)
                            .isEqualTo(worker.stored[page]);
                    common.addAndGet(page, worker.added[page]);
                }
                assertThat(cpu.loadLong(base + COMMON))
                        .as("additions to page %d", page)
                        .isEqualTo(common.get(page));
            }
        }
    }
}
