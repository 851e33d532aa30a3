package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.stream.IntStream;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A store or an MMU that throws, as each does when the heap is full, at each of its calls in turn: nothing stays locked,
 * announced or referenced, and no byte is lost.
 */
class FailingPortsTest {
    private static final int PAGES = 6;
    private static final int WRITTEN = 4;
    private static final long NODE_BYTES = 1 << 20;

    enum Operation {
        FIRST_TOUCH,
        STORE_TO_THE_ZERO_PAGE,
        STORE_TO_A_PAGE_OF_TWO,
        FIRST_TOUCH_OF_SHARED_MEMORY,
        FORK,
        FORK_WITH_A_PIN,
        PROTECT,
        REMAP,
        EXCLUSIVE,
        TO_A_DEVICE_AND_BACK,
        TO_ANOTHER_NODE_BY_FRAME,
        LONG_PIN_OF_COHERENT_MEMORY
    }

    private static void run(Operation operation, World world) {
        AddressSpace space = world.space;
        switch (operation) {
            case FIRST_TOUCH -> space.fault(world.at(5), Access.WRITE);
            case STORE_TO_THE_ZERO_PAGE -> space.fault(world.at(4), Access.WRITE);
            case STORE_TO_A_PAGE_OF_TWO -> space.fault(world.at(0), Access.WRITE);
            case FIRST_TOUCH_OF_SHARED_MEMORY -> space.fault(world.shared + Page.SIZE, Access.READ);
            case FORK -> space.fork().exit();
            case FORK_WITH_A_PIN -> world.forkWithAPin();
            case PROTECT -> space.protect(world.at(0), WRITTEN * (long) Page.SIZE, Protection.READ);
            case REMAP -> space.remap(world.at(0), Page.SIZE, world.at(100), RemapMode.MOVE);
            case EXCLUSIVE -> ExclusiveAccess.make(space, world.at(1), world.driver, frame -> {});
            case TO_A_DEVICE_AND_BACK -> world.toADeviceAndBack();
            case TO_ANOTHER_NODE_BY_FRAME -> world.toAnotherNodeByFrame();
            case LONG_PIN_OF_COHERENT_MEMORY -> world.longPinOfCoherentMemory();
        }
    }

    @ParameterizedTest
    @EnumSource
    void leavesNothingBehind(Operation operation) {
        int call = 0;
        for (boolean failed = true; failed; call++) {
            World world = new World();
            failed = world.failAt(call, operation);
            world.checkSound();
            if (operation != Operation.REMAP) {
                // A move that fails half-way may leave pages at their new place.
                world.checkBytes();
            }
            world.end();
        }
        assertThat(call).as("calls that could fail").isGreaterThan(1);
    }

    private static final class World {
        /** Calls until one throws; negative: none does. */
        private int left = -1;

        private final MemorySegment word = MemorySegment.ofArray(new long[1]);
        private final MemoryManager manager =
                MemoryManager.builder().node(store()).node(store()).build();
        private final DeviceDriver driver = new DeviceDriver() {
            @Override
            public DriverResult migrateToRam(DeviceFault fault) {
                try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                    m.allocateRam(0);
                    m.copyAll();
                    m.migrate();
                }
                return DriverResult.DONE;
            }

            @Override
            public void frameFreed(DeviceMemory memory, long frame) {
                // Each frame is used once.
            }
        };
        private final DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
        private final DeviceMemory near = device("near", DeviceKind.COHERENT);
        private final AddressSpace space = manager.createAddressSpace(new ThreadlessMmu());
        private final long base = space.map(PAGES * (long) Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        private final long shared = space.map(2L * Page.SIZE, Protection.READ_WRITE, Sharing.SHARED);
        private final AddressSpace child;
        private final IntervalNotifier follower;

        World() {
            for (int i = 0; i < WRITTEN; i++) {
                write(at(i), 100 + i);
            }
            write(shared, 200);
            child = space.fork();
            write(at(1), 101);
            space.fault(at(4), Access.READ);
            follower = IntervalNotifier.insert(space, base, PAGES * (long) Page.SIZE, (change, sequence) -> {});
        }

        private void called() {
            if (left >= 0 && left-- == 0) {
                throw new OutOfMemoryError("injected");
            }
        }

        private long at(int page) {
            return base + page * (long) Page.SIZE;
        }

        private void write(long address, long value) {
            word.set(ValueLayout.JAVA_LONG, 0, value);
            try (PageReferences page = Pins.get(space, address, 1, Access.WRITE)) {
                page.write(0, 0, word, 0, Long.BYTES);
            }
        }

        private long read(AddressSpace from, long address) {
            try (PageReferences page = Pins.get(from, address, 1, Access.READ)) {
                page.read(0, 0, word, 0, Long.BYTES);
            }
            return word.get(ValueLayout.JAVA_LONG, 0);
        }

        boolean failAt(int call, Operation operation) {
            left = call;
            try {
                run(operation, this);
            } catch (OutOfMemoryError e) {
                assertThat(e).hasMessage("injected");
            }
            boolean failed = left < 0;
            left = -1;
            return failed;
        }

        void checkSound() {
            StateChecker.assertSound(manager);
        }

        void checkBytes() {
            for (int i = 0; i < PAGES; i++) {
                assertThat(read(space, at(i))).as("page %s", i).isEqualTo(i < WRITTEN ? 100 + i : 0);
                assertThat(read(child, at(i))).as("page %s of the child", i).isEqualTo(i < WRITTEN ? 100 + i : 0);
            }
            assertThat(read(space, shared)).isEqualTo(200);
            assertThat(read(child, shared)).isEqualTo(200);
        }

        void end() {
            follower.readBegin();
            follower.close();
            space.exit();
            child.exit();
            checkSound();
            assertThat(gpu.liveReferences() + near.liveReferences()).isZero();
            assertThat(manager.nodes().get(0).freeFrames()
                            + manager.nodes().get(1).freeFrames())
                    .isEqualTo(2 * Page.count(NODE_BYTES) - 1);
            manager.close();
        }

        void forkWithAPin() {
            try (PageReferences pinned = Pins.pinLongTerm(space, at(1), 1, Access.WRITE)) {
                assertThat(pinned.pages()).isOne();
                space.fork().exit();
            }
        }

        private void move(DeviceMemory to, int pages) {
            try (Migration m =
                    Migration.setup(space, base, pages * (long) Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
                for (int i = 0; i < pages; i++) {
                    if (m.sources().movable(i)) {
                        to.initFrame(to.firstFrame() + i);
                        m.setDestination(i, to.firstFrame() + i);
                    }
                }
                m.copyAll();
                m.migrate();
            }
        }

        void toADeviceAndBack() {
            move(gpu, PAGES);
            space.fault(at(2), Access.READ);
        }

        void toAnotherNodeByFrame() {
            long[] frames = new long[3];
            PageView[] pages = Inspector.pages(space, base, 2);
            frames[0] = pages[0].frame();
            frames[1] = pages[1].frame();
            frames[2] = Inspector.pages(space, shared, 1)[0].frame();
            try (Migration m = Migration.ofFrames(manager, frames)) {
                IntStream.range(0, frames.length)
                        .filter(m.sources()::movable)
                        .forEach(i -> m.allocateRam(i, manager.nodes().get(1)));
                m.copyAll();
                m.migrate();
            }
        }

        void longPinOfCoherentMemory() {
            move(near, PAGES);
            try (PageReferences pinned = Pins.pinLongTerm(space, base, WRITTEN, Access.READ)) {
                assertThat(pinned.pages()).isEqualTo(WRITTEN);
            }
        }

        private DeviceMemory device(String name, DeviceKind kind) {
            return manager.addDevice(new DeviceMemory.Spec(name, kind, driver, store()), driver);
        }

        private FrameStore store() {
            return new Store(this);
        }

        private final class ThreadlessMmu implements Mmu {
            @Override
            public void revoke(long page) {
                // Nobody has a translation.
            }

            @Override
            public void stopWriters(long firstPage, long pages) {
                called();
            }

            @Override
            public void drop(long firstPage, long pages) {
                // Nobody has a translation.
            }

            @Override
            public void relocate(PageMoves moves) {
                called();
            }

            @Override
            public void allowStores(long page) {
                // Nobody has a translation.
            }

            @Override
            public void fill(long page, long frame, boolean writable) {
                // Nobody has a translation.
            }
        }
    }

    private record Store(World world, ArenaStore bytes) implements FrameStore {
        Store(World world) {
            this(world, new ArenaStore(NODE_BYTES));
        }

        @Override
        public long byteSize() {
            return bytes.byteSize();
        }

        @Override
        public long chunkBytes() {
            return bytes.chunkBytes();
        }

        @Override
        public @Nullable MemorySegment segment(long offset) {
            return bytes.segment(offset);
        }

        @Override
        public void zero(long offset, long length) {
            world.called();
            bytes.zero(offset, length);
        }

        @Override
        public void read(long offset, MemorySegment target, long targetOffset, long length) {
            world.called();
            bytes.read(offset, target, targetOffset, length);
        }

        @Override
        public void write(long offset, MemorySegment source, long sourceOffset, long length) {
            world.called();
            bytes.write(offset, source, sourceOffset, length);
        }

        @Override
        public void close() {
            bytes.close();
        }
    }
}
