package org.heteromem.bench;

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
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Loads and stores of 8 bytes through the software MMU, in sequence over 1 MiB that is resident, beside the same loop over a
 * plain segment; and bulk copies of 2 MiB beside {@link MemorySegment#copy}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 2)
public class AccessBenchmark {
    private static final int BYTES = 1 << 20;
    private static final int WORDS = BYTES / Long.BYTES;
    private static final int BLOCK = 2 << 20;

    private final Arena arena = Arena.ofConfined();
    private final MemoryManager manager =
            MemoryManager.builder().node(64L << 20).build();
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();
    private final MemorySegment plain = arena.allocate(BLOCK, Page.SIZE);
    private final MemorySegment other = arena.allocate(BLOCK, Page.SIZE);
    private long address;

    /** Maps and touches the memory. */
    @Setup(Level.Trial)
    public void touch() {
        address = space.map(BLOCK, Protection.READ_WRITE, Sharing.PRIVATE);
        for (long i = 0; i < BLOCK; i += Long.BYTES) {
            cpu.storeLong(address + i, i);
            plain.set(ValueLayout.JAVA_LONG, i, i);
            other.set(ValueLayout.JAVA_LONG, i, i);
        }
    }

    /** Gives the memory back. */
    @TearDown(Level.Trial)
    public void release() {
        cpu.close();
        manager.close();
        arena.close();
    }

    /** Loads through the MMU. */
    @Benchmark
    @OperationsPerInvocation(WORDS)
    public long load() {
        long sum = 0;
        for (long at = address; at < address + BYTES; at += Long.BYTES) {
            sum += cpu.loadLong(at);
        }
        return sum;
    }

    /** The floor: the same loop on a segment. */
    @Benchmark
    @OperationsPerInvocation(WORDS)
    public long loadPlainFloor() {
        long sum = 0;
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            sum += plain.get(ValueLayout.JAVA_LONG, at);
        }
        return sum;
    }

    /** Stores through the MMU. */
    @Benchmark
    @OperationsPerInvocation(WORDS)
    public void store() {
        for (long at = address; at < address + BYTES; at += Long.BYTES) {
            cpu.storeLong(at, at);
        }
    }

    /** The floor: the same loop on a segment. */
    @Benchmark
    @OperationsPerInvocation(WORDS)
    public void storePlainFloor() {
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            plain.set(ValueLayout.JAVA_LONG, at, at);
        }
    }

    /** Copies 2 MiB out of the address space. */
    @Benchmark
    public void bulkRead() {
        cpu.read(address, other, 0, BLOCK);
    }

    /** Copies 2 MiB into the address space. */
    @Benchmark
    public void bulkWrite() {
        cpu.write(address, other, 0, BLOCK);
    }

    /** The floor: 2 MiB between two segments. */
    @Benchmark
    public void bulkCopyFloor() {
        MemorySegment.copy(plain, 0, other, 0, BLOCK);
    }
}
