package org.heteromem.cli.conform;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.devices.testdriver.TestDevice;
import org.jspecify.annotations.Nullable;

/**
 * The machine on which scenarios were recorded: one node of RAM and four devices, 0 and 1 private, 2 and 3 coherent. The
 * machine is a new one for each scenario, its bytes are the same: what an earlier scenario left in them must not be seen.
 */
final class ReplayMachine implements AutoCloseable {
    /** How many devices there are. */
    static final int DEVICES = 4;

    private static final int FIRST_COHERENT = 2;
    private static final long RAM_BYTES = 64L << 20;
    private static final long DEVICE_PAGES = 65_536;
    private static final int PHYSICAL_ADDRESS_BITS = 46;

    private final MemoryManager manager;
    private final List<TestDevice> devices = new ArrayList<>();

    /** The bytes of a machine, kept from one scenario to the next. */
    static final class Stores implements AutoCloseable {
        private final FrameStore ram = new ArenaStore(RAM_BYTES);
        private final List<FrameStore> devices = new ArrayList<>();

        Stores() {
            for (int i = 0; i < DEVICES; i++) {
                devices.add(new ArenaStore(DEVICE_PAGES * Page.SIZE));
            }
        }

        @Override
        public void close() {
            ram.close();
            devices.forEach(FrameStore::close);
        }
    }

    /** A store that outlives the machine it is lent to. */
    private record Lent(FrameStore store) implements FrameStore {
        @Override
        public long byteSize() {
            return store.byteSize();
        }

        @Override
        public long chunkBytes() {
            return store.chunkBytes();
        }

        @Override
        public @Nullable MemorySegment segment(long offset) {
            return store.segment(offset);
        }

        @Override
        public void zero(long offset, long bytes) {
            store.zero(offset, bytes);
        }

        @Override
        public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
            store.read(offset, target, targetOffset, bytes);
        }

        @Override
        public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
            store.write(offset, source, sourceOffset, bytes);
        }

        @Override
        public void close() {
            // Its owner closes it.
        }
    }

    ReplayMachine(Stores stores) {
        manager = MemoryManager.builder()
                .physicalAddressBits(PHYSICAL_ADDRESS_BITS)
                .node(new Lent(stores.ram))
                .build();
        for (int i = 0; i < DEVICES; i++) {
            DeviceKind kind = i < FIRST_COHERENT ? DeviceKind.PRIVATE : DeviceKind.COHERENT;
            devices.add(TestDevice.add(manager, "hmm" + i, kind, new Lent(stores.devices.get(i))));
        }
    }

    MemoryManager manager() {
        return manager;
    }

    TestDevice device(int number) {
        return devices.get(number);
    }

    /** {@return what is still in use although every process has ended, for messages; empty if nothing is} */
    String leftBehind() {
        StringBuilder left = new StringBuilder();
        for (TestDevice device : devices) {
            if (device.framesInUse() > 0) {
                left.append(' ').append(device.memory().name()).append(' ').append(device.framesInUse());
            }
        }
        // The shared zero page is there for good.
        long ram = manager.nodes().get(0).frames() - manager.nodes().get(0).freeFrames() - 1;
        if (ram > 0) {
            left.append(" node0 ").append(ram);
        }
        return left.toString().strip();
    }

    @Override
    public void close() {
        manager.close();
    }
}
