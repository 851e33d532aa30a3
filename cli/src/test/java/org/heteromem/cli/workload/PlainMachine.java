package org.heteromem.cli.workload;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * A machine without a memory manager: allocations are plain segments, kernels run on plain threads. What a workload
 * computes here is the workload's own doing. A touch outside of an allocation fails.
 */
final class PlainMachine implements WorkloadContext, AutoCloseable {
    static final long FIRST_ADDRESS = 0x7000_0000_0000L;
    private static final long PAGE = 4096;

    private final Arena arena = Arena.ofShared();
    private final TreeMap<Long, Allocation> allocations = new TreeMap<>();
    private final List<Kernel> kernels = new ArrayList<>();
    private final List<Double> progress = new ArrayList<>();
    private final Memory memory = new Memory();
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final int threads;
    private final int units;
    private long next = FIRST_ADDRESS;
    private long allocatedBytes;
    private long peakBytes;

    private record Allocation(String name, long address, MemorySegment bytes) {}

    PlainMachine(int threads, int units) {
        this.threads = threads;
        this.units = units;
    }

    MemoryAccess memory() {
        return memory;
    }

    /** The kernels that were launched, in order. */
    List<Kernel> kernels() {
        return kernels;
    }

    /** What was reported as progress, in order. */
    List<Double> progress() {
        return progress;
    }

    /** The most memory that was allocated at a time, in bytes. */
    long peakBytes() {
        return peakBytes;
    }

    /** Address of the newest allocation of a name. */
    long addressOf(String name) {
        return allocations.descendingMap().values().stream()
                .filter(allocation -> allocation.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no allocation is named " + name))
                .address();
    }

    @Override
    public long allocate(long bytes, String name) {
        long address = next;
        allocations.put(address, new Allocation(name, address, arena.allocate(bytes, PAGE)));
        next += (bytes / PAGE + 2) * PAGE;
        allocatedBytes += bytes;
        peakBytes = Math.max(peakBytes, allocatedBytes);
        return address;
    }

    @Override
    public void free(long address) {
        Allocation freed = allocations.remove(address);
        if (freed == null) {
            throw new AssertionError("free of an address that was not allocated: 0x" + Long.toHexString(address));
        }
        allocatedBytes -= freed.bytes().byteSize();
    }

    @Override
    public void cpu(String phase, CpuPhase body) {
        body.run(memory);
    }

    @Override
    public void cpuParallel(String phase, ParallelCpuPhase body) {
        inParallel(threads, part -> body.run(memory, part, threads));
    }

    @Override
    public void accelerate(String phase, Kernel kernel) {
        kernels.add(kernel);
        inParallel(units, unit -> kernel.run(memory, unit, units));
    }

    @Override
    public void progress(double done) {
        progress.add(done);
    }

    private void inParallel(int parts, java.util.function.IntConsumer body) {
        List<Future<?>> running = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            int mine = part;
            running.add(executor.submit(() -> body.accept(mine)));
        }
        for (Future<?> future : running) {
            try {
                future.get();
            } catch (Exception e) {
                throw new AssertionError("a part of a phase failed", e);
            }
        }
    }

    @Override
    public void close() {
        executor.close();
        arena.close();
    }

    private final class Memory implements MemoryAccess {
        private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
        private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

        /** The bytes at an address; using more than there are fails in the segment. */
        private MemorySegment at(long address, long bytes) {
            var found = allocations.floorEntry(address);
            if (found == null) {
                throw new AssertionError("touch of unallocated address 0x" + Long.toHexString(address));
            }
            return found.getValue().bytes().asSlice(address - found.getKey(), bytes);
        }

        @Override
        public byte loadByte(long address) {
            return at(address, 1).get(ValueLayout.JAVA_BYTE, 0);
        }

        @Override
        public int loadInt(long address) {
            return at(address, 4).get(ValueLayout.JAVA_INT, 0);
        }

        @Override
        public long loadLong(long address) {
            return at(address, 8).get(ValueLayout.JAVA_LONG, 0);
        }

        @Override
        public float loadFloat(long address) {
            return at(address, 4).get(ValueLayout.JAVA_FLOAT, 0);
        }

        @Override
        public double loadDouble(long address) {
            return at(address, 8).get(ValueLayout.JAVA_DOUBLE, 0);
        }

        @Override
        public void storeByte(long address, byte value) {
            at(address, 1).set(ValueLayout.JAVA_BYTE, 0, value);
        }

        @Override
        public void storeInt(long address, int value) {
            at(address, 4).set(ValueLayout.JAVA_INT, 0, value);
        }

        @Override
        public void storeLong(long address, long value) {
            at(address, 8).set(ValueLayout.JAVA_LONG, 0, value);
        }

        @Override
        public void storeFloat(long address, float value) {
            at(address, 4).set(ValueLayout.JAVA_FLOAT, 0, value);
        }

        @Override
        public void storeDouble(long address, double value) {
            at(address, 8).set(ValueLayout.JAVA_DOUBLE, 0, value);
        }

        @Override
        public boolean compareAndSetInt(long address, int expected, int value) {
            return INT.compareAndSet(at(address, 4), 0L, expected, value);
        }

        @Override
        public boolean compareAndSetLong(long address, long expected, long value) {
            return LONG.compareAndSet(at(address, 8), 0L, expected, value);
        }

        @Override
        public int getAndAddInt(long address, int delta) {
            return (int) INT.getAndAdd(at(address, 4), 0L, delta);
        }

        @Override
        public long getAndAddLong(long address, long delta) {
            return (long) LONG.getAndAdd(at(address, 8), 0L, delta);
        }

        @Override
        public void read(long address, MemorySegment target, long offset, long bytes) {
            MemorySegment.copy(at(address, bytes), 0, target, offset, bytes);
        }

        @Override
        public void write(long address, MemorySegment source, long offset, long bytes) {
            MemorySegment.copy(source, offset, at(address, bytes), 0, bytes);
        }
    }
}
