package org.heteromem.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The floor under everything that copies pages: one {@link MemorySegment#copy} between two off-heap segments.
 *
 * <p>The small size is one page and stays in the caches; the large one is a 2 MiB block. Both segments are touched
 * before the run, so no page fault of the operating system is in the figure.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 2)
public class MemcpyFloorBenchmark {
    private static final long PAGE_BYTES = 4096;

    /** Bytes a copy. */
    @Param({"4096", "2097152"})
    long bytes;

    private final Arena arena = Arena.ofConfined();
    private MemorySegment source = MemorySegment.NULL;
    private MemorySegment target = MemorySegment.NULL;

    /** Allocates both segments and touches every page of them. */
    @Setup(Level.Trial)
    public void allocate() {
        source = arena.allocate(bytes, PAGE_BYTES).fill((byte) 1);
        target = arena.allocate(bytes, PAGE_BYTES).fill((byte) 2);
    }

    /** Gives the memory back. */
    @TearDown(Level.Trial)
    public void release() {
        arena.close();
    }

    /** Copies all of the source over the target. */
    @Benchmark
    public MemorySegment copy() {
        MemorySegment.copy(source, 0, target, 0, bytes);
        return target;
    }
}
