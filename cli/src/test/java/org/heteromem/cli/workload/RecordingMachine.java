package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.heteromem.core.MemoryAccess;
import org.heteromem.core.Page;
import org.heteromem.devices.accelerator.Kernel;

/**
 * Runs a workload with one thread on plain memory and notes the pages that it touches, in order; touches of the page that was
 * touched last are one. Equal inputs give equal streams.
 */
public final class RecordingMachine implements WorkloadContext {
    private final PlainMachine plain;
    private final MemoryAccess memory;
    private int[] stream = new int[1 << 16];
    private int length;
    private long lastPage = -1;

    private RecordingMachine(PlainMachine plain) {
        this.plain = plain;
        this.memory = new Recorder(plain.memory());
    }

    /**
     * {@return the pages that a workload touches, by numbers that mean nothing but which is which}
     *
     * @param workload its name
     * @param bytes about how much memory it uses
     * @param seed of its input
     */
    public static int[] record(String workload, long bytes, long seed) {
        try (PlainMachine plain = new PlainMachine(1, 1)) {
            RecordingMachine machine = new RecordingMachine(plain);
            Workloads.named(workload)
                    .prepare(WorkloadInput.generated(seed, bytes))
                    .run(machine);
            return Arrays.copyOf(machine.stream, machine.length);
        }
    }

    private void touch(long address, long bytes) {
        for (long page = Page.of(address); page <= Page.of(address + Math.max(bytes, 1) - 1); page++) {
            if (page != lastPage) {
                lastPage = page;
                if (length == stream.length) {
                    stream = Arrays.copyOf(stream, 2 * length);
                }
                stream[length++] = Math.toIntExact(page - FIRST_PAGE);
            }
        }
    }

    private static final long FIRST_PAGE = Page.of(PlainMachine.FIRST_ADDRESS);

    @Override
    public long allocate(long bytes, String name) {
        return plain.allocate(bytes, name);
    }

    @Override
    public void free(long address) {
        plain.free(address);
    }

    @Override
    public void cpu(String phase, CpuPhase body) {
        body.run(memory);
    }

    @Override
    public void cpuParallel(String phase, ParallelCpuPhase body) {
        body.run(memory, 0, 1);
    }

    @Override
    public void accelerate(String phase, Kernel kernel) {
        kernel.run(memory, 0, 1);
    }

    @Override
    public void progress(double done) {}

    private final class Recorder implements MemoryAccess {
        private final MemoryAccess under;

        private Recorder(MemoryAccess under) {
            this.under = under;
        }

        @Override
        public byte loadByte(long address) {
            touch(address, Byte.BYTES);
            return under.loadByte(address);
        }

        @Override
        public int loadInt(long address) {
            touch(address, Integer.BYTES);
            return under.loadInt(address);
        }

        @Override
        public long loadLong(long address) {
            touch(address, Long.BYTES);
            return under.loadLong(address);
        }

        @Override
        public void storeByte(long address, byte value) {
            touch(address, Byte.BYTES);
            under.storeByte(address, value);
        }

        @Override
        public void storeInt(long address, int value) {
            touch(address, Integer.BYTES);
            under.storeInt(address, value);
        }

        @Override
        public void storeLong(long address, long value) {
            touch(address, Long.BYTES);
            under.storeLong(address, value);
        }

        @Override
        public boolean compareAndSetInt(long address, int expected, int value) {
            touch(address, Integer.BYTES);
            return under.compareAndSetInt(address, expected, value);
        }

        @Override
        public boolean compareAndSetLong(long address, long expected, long value) {
            touch(address, Long.BYTES);
            return under.compareAndSetLong(address, expected, value);
        }

        @Override
        public int getAndAddInt(long address, int delta) {
            touch(address, Integer.BYTES);
            return under.getAndAddInt(address, delta);
        }

        @Override
        public long getAndAddLong(long address, long delta) {
            touch(address, Long.BYTES);
            return under.getAndAddLong(address, delta);
        }

        @Override
        public void read(long address, MemorySegment target, long offset, long bytes) {
            touch(address, bytes);
            under.read(address, target, offset, bytes);
        }

        @Override
        public void write(long address, MemorySegment source, long offset, long bytes) {
            touch(address, bytes);
            under.write(address, source, offset, bytes);
        }
    }
}
