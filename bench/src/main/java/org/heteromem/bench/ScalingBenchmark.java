package org.heteromem.bench;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What several threads on disjoint ranges of one process do in a second: run it with {@code -t 1} and {@code -t 2} and compare.
 * The plain loops are the floor: where they do not double, the machine does not have two cores to give.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 2)
public class ScalingBenchmark {
    private static final int BYTES = 256 << 10;
    private static final long FRESH_BYTES = 64L << 20;

    /** The process that all threads share. */
    @State(Scope.Benchmark)
    public static class World {
        private final MemoryManager manager =
                MemoryManager.builder().node(256L << 20).build();
        private final AddressSpace space = manager.createAddressSpace();

        /** Gives the memory back. */
        @TearDown(Level.Trial)
        public void release() {
            manager.close();
        }
    }

    /** A thread with a range of its own. */
    @State(Scope.Thread)
    public static class Worker {
        private final Arena arena = Arena.ofConfined();
        private final MemorySegment plain = arena.allocate(BYTES, Page.SIZE);
        private @Nullable AddressSpace space;
        private @Nullable Cpu cpu;
        private long address;
        private long next;
        private long end;

        /** Maps and touches the range. */
        @Setup(Level.Trial)
        public void map(World world) {
            space = world.space;
            cpu = space.newCpu();
            address = space.map(BYTES, Protection.READ_WRITE, Sharing.PRIVATE);
            access();
        }

        void access() {
            Cpu cpu = requireNonNull(this.cpu);
            for (long at = address; at < address + BYTES; at += 2 * Long.BYTES) {
                cpu.storeLong(at, cpu.loadLong(at + Long.BYTES) + at);
            }
        }

        void touchNext() {
            Cpu cpu = requireNonNull(this.cpu);
            if (next == end) {
                AddressSpace space = requireNonNull(this.space);
                if (end != 0) {
                    space.unmap(end - FRESH_BYTES, FRESH_BYTES);
                }
                next = space.map(FRESH_BYTES, Protection.READ_WRITE, Sharing.PRIVATE);
                end = next + FRESH_BYTES;
            }
            for (long stop = next + BYTES; next < stop; next += Page.SIZE) {
                cpu.storeLong(next, next);
            }
        }

        void plainAccess() {
            for (long at = 0; at < BYTES; at += 2 * Long.BYTES) {
                plain.set(ValueLayout.JAVA_LONG, at, plain.get(ValueLayout.JAVA_LONG, at + Long.BYTES) + at);
            }
        }

        /** Gives the memory back. */
        @TearDown(Level.Trial)
        public void release() {
            requireNonNull(cpu).close();
            arena.close();
        }
    }

    /** Loads and stores on 256 KiB. */
    @Benchmark
    public void access(Worker worker) {
        worker.access();
    }

    /** The floor: the same on a plain segment. */
    @Benchmark
    public void accessPlainFloor(Worker worker) {
        worker.plainAccess();
    }

    /** The floor under faults: 256 KiB of zeros. */
    @Benchmark
    public void zeroFloor(Worker worker) {
        worker.plain.fill((byte) 0);
    }

    /** 64 pages of memory that nobody has touched. */
    @Benchmark
    public void firstTouch(Worker worker) {
        worker.touchNext();
    }
}
