package org.heteromem.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
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
 * CPU faults, 4 KiB each, beside the bytes they cannot avoid moving: the first touch of memory whose frames were used before
 * (warm) or never (cold), and the touch of a page that lives on a device.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 2)
public class FaultBenchmark {
    private static final int PAGES = 2048;
    private static final long BYTES = (long) PAGES * Page.SIZE;

    /** A machine with one mapped area and a device. */
    @State(Scope.Thread)
    public abstract static class World {
        MemoryManager manager = MemoryManager.builder().node(64L << 20).build();
        AddressSpace space = manager.createAddressSpace();
        PlainDevice device = new PlainDevice(manager, 32L << 20);
        Cpu cpu = space.newCpu();
        long address = space.map(BYTES, Protection.READ_WRITE, Sharing.PRIVATE);

        void touch() {
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

    /** Memory that was thrown away, so that its frames are used again. */
    public static class Emptied extends World {
        /** Throws the contents away. */
        @Setup(Level.Invocation)
        public void empty() {
            space.advise(address, BYTES, Advice.DONTNEED);
        }
    }

    /** A machine whose frames nobody has used. */
    public static class Fresh extends World {
        /** Makes it. */
        @Setup(Level.Invocation)
        public void make() {
            release();
            manager = MemoryManager.builder().node(64L << 20).build();
            device = new PlainDevice(manager, 32L << 20);
            space = manager.createAddressSpace();
            cpu = space.newCpu();
            address = space.map(BYTES, Protection.READ_WRITE, Sharing.PRIVATE);
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

    /** First touch of a page whose frame was used before. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void firstTouchWarm(Emptied world) {
        world.touch();
    }

    /** First touch of a page whose frame, and the memory behind it, nobody has used. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void firstTouchCold(Fresh world) {
        world.touch();
    }

    /** Touch of a page that lives on a device. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void devicePage(OnDevice world) {
        world.touch();
    }

    /** The floor under a first touch: zeros for a page. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void zeroPageFloor(Plain plain) {
        for (long at = 0; at < BYTES; at += Page.SIZE) {
            plain.target.asSlice(at, Page.SIZE).fill((byte) 0);
        }
    }

    /** The floor under a device page: a copy of a page. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void copyPageFloor(Plain plain) {
        for (long at = 0; at < BYTES; at += Page.SIZE) {
            MemorySegment.copy(plain.source, at, plain.target, at, Page.SIZE);
        }
    }
}
