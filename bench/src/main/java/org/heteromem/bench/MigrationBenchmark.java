package org.heteromem.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
 * Migration of a 2 MiB range of small pages, each way, copies by the calling thread included, beside one copy of 2 MiB; and
 * the manager's own cost, without any copy. A round over 16 blocks, so that neither side stays in the caches.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 2)
public class MigrationBenchmark {
    private static final int BLOCKS = 16;
    private static final long BLOCK = 2L << 20;
    private static final long BYTES = BLOCKS * BLOCK;

    /** A machine with one touched area and a device. */
    @State(Scope.Thread)
    public static class World {
        final MemoryManager manager = MemoryManager.builder().node(128L << 20).build();
        final AddressSpace space = manager.createAddressSpace();
        final PlainDevice device = new PlainDevice(manager, 64L << 20);
        final Cpu cpu = space.newCpu();
        final long address = space.map(BYTES, Protection.READ_WRITE, Sharing.PRIVATE);

        /** Touches the memory. */
        @Setup(Level.Trial)
        public void touch() {
            for (long at = address; at < address + BYTES; at += Page.SIZE) {
                cpu.storeLong(at, at);
            }
        }

        /** Gives the memory back. */
        @TearDown(Level.Trial)
        public void release() {
            cpu.close();
            manager.close();
        }
    }

    /** Memory that lives in RAM. */
    public static class InRam extends World {
        /** Moves it there. */
        @Setup(Level.Invocation)
        public void move() {
            device.toRam(space, address, BYTES);
        }
    }

    /** Memory that lives on the device. */
    public static class OnDevice extends World {
        /** Moves it there. */
        @Setup(Level.Invocation)
        public void move() {
            device.toDevice(space, address, BYTES);
        }
    }

    /** Two plain segments. */
    @State(Scope.Thread)
    public static class Plain {
        private final Arena arena = Arena.ofConfined();
        private final MemorySegment source = arena.allocate(BYTES, Page.SIZE).fill((byte) 1);
        private final MemorySegment target = arena.allocate(BYTES, Page.SIZE).fill((byte) 2);

        /** Gives the memory back. */
        @TearDown(Level.Trial)
        public void release() {
            arena.close();
        }
    }

    /** RAM to device. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public void toDevice(InRam world) {
        for (int i = 0; i < BLOCKS; i++) {
            world.device.toDevice(world.space, world.address + i * BLOCK, BLOCK);
        }
    }

    /** Device to RAM. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public void toRam(OnDevice world) {
        for (int i = 0; i < BLOCKS; i++) {
            world.device.toRam(world.space, world.address + i * BLOCK, BLOCK);
        }
    }

    /** The manager's own cost, there and back, without copies. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS * 2)
    public void manageOnly(World world) {
        for (int i = 0; i < BLOCKS; i++) {
            world.device.toDevice(world.space, world.address + i * BLOCK, BLOCK, PlainDevice.Copy.NONE);
            world.device.toRam(world.space, world.address + i * BLOCK, BLOCK, PlainDevice.Copy.NONE);
        }
    }

    /** The floor: copies of 2 MiB between two segments. */
    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public void copyFloor(Plain plain) {
        for (int i = 0; i < BLOCKS; i++) {
            MemorySegment.copy(plain.source, i * BLOCK, plain.target, i * BLOCK, BLOCK);
        }
    }
}
