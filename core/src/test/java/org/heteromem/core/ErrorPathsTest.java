package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls that cannot succeed are refused where they are made, and leave nothing behind. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ErrorPathsTest {
    private static final int RAM_PAGES = 32;

    private final MemoryManager manager =
            MemoryManager.builder().node(RAM_PAGES * (long) Page.SIZE).build();
    private final Driver driver = new Driver();
    private final DeviceMemory gpu = manager.addDevice(
            new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, driver, new ArenaStore(1 << 20)), driver);
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();

    @AfterEach
    void close() {
        cpu.close();
        manager.close();
    }

    private static final class Driver implements DeviceDriver {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return DriverResult.FAILED;
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            // Nothing is handed out twice here.
        }
    }

    private long map(int pages) {
        return space.map(pages * (long) Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
    }

    private static long at(long base, int page) {
        return base + page * (long) Page.SIZE;
    }

    @Test
    void aPinThatRunsOutOfMemoryKeepsNoPage() {
        long base = map(2 * RAM_PAGES);
        assertThatThrownBy(() -> Pins.pin(space, base, 2 * RAM_PAGES, Access.WRITE))
                .isInstanceOf(MemoryExhaustedException.class);
        assertThat(StateChecker.check(manager)).isEmpty();
        space.unmap(base, 2L * RAM_PAGES * Page.SIZE);
        assertThat(manager.nodes().get(0).freeFrames()).isEqualTo(RAM_PAGES - 1);
    }

    /** All processes share one page of zeros; how often it is held must not be limited by what a frame can count. */
    @Test
    void pagesNobodyHasWrittenCanBeHeldInAnyNumber() {
        int pages = 5000;
        long base = map(pages);
        AddressSpace other = manager.createAddressSpace();
        long elsewhere = other.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        MemorySegment bytes = MemorySegment.ofArray(new byte[8]);
        try (PageReferences pinned = Pins.pin(space, base, pages, Access.READ);
                PageReferences got = Pins.get(space, base, pages, Access.READ);
                PageReferences foreign = Pins.pin(other, elsewhere, 1, Access.READ)) {
            StateChecker.of(manager)
                    .holding(pinned)
                    .holding(got)
                    .holding(foreign)
                    .assertSound();
            pinned.read(pages - 1, 0, bytes, 0, 8);
            assertThat(bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isZero();
        }
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    @Test
    void aPageHasNoMorePinsThanItCanCount() {
        long base = map(1);
        cpu.storeLong(base, 1);
        List<PageReferences> held = new ArrayList<>();
        for (int i = 0; i < 4095; i++) {
            held.add(Pins.pin(space, base, 1, Access.WRITE));
        }
        assertThatThrownBy(() -> Pins.pin(space, base, 1, Access.WRITE))
                .isInstanceOf(MemoryException.class)
                .extracting(e -> ((MemoryException) e).errno())
                .isEqualTo(Errno.EBUSY);
        held.removeLast().close();
        held.add(Pins.pin(space, base, 1, Access.WRITE));
        held.forEach(PageReferences::close);
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    @Test
    void aFrameInUseIsRefusedAsADestinationAndAsANewFrame() {
        long base = map(2);
        cpu.storeLong(base, 1);
        cpu.storeLong(at(base, 1), 2);
        try (Migration m = Migration.setup(space, base, 2L * Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
            long mapped = m.sources().frame(1);
            assertThatThrownBy(() -> m.setDestination(0, mapped)).hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> m.setDestination(0, 1L << 39)).hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> m.setDestination(0, gpu.firstFrame())).hasMessageContaining("EINVAL");
            gpu.initFrame(gpu.firstFrame());
            assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame())).isInstanceOf(MemoryException.class);
            m.setDestination(0, gpu.firstFrame());
            m.copyAll();
            assertThat(m.migrate()).isEqualTo(1);
        }
        space.unmap(base, 2L * Page.SIZE);
        assertThat(gpu.liveReferences()).isZero();
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    private DeviceMemory coherentWithOnePage(long base, long value) {
        DeviceMemory near = manager.addDevice(
                new DeviceMemory.Spec("near", DeviceKind.COHERENT, driver, new ArenaStore(1 << 20)), driver);
        cpu.storeLong(base, value);
        try (Migration m = Migration.setup(space, base, Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
            near.initFrame(near.firstFrame());
            m.setDestination(0, near.firstFrame());
            m.copy(0);
            assertThat(m.migrate()).isOne();
        }
        return near;
    }

    @Test
    void aLongPinOfAPageOnADeviceHasRoomMadeForItInRam() {
        long base = map(1);
        DeviceMemory near = coherentWithOnePage(base, 7);
        long others = map(RAM_PAGES);
        for (int i = 0; manager.nodes().getFirst().freeFrames() > 0; i++) {
            cpu.storeLong(at(others, i), i);
        }
        assertThatThrownBy(() -> Pins.pinLongTerm(space, base, 1, Access.WRITE)).isInstanceOf(MemoryException.class);
        assertThat(cpu.loadLong(base)).isEqualTo(7);
        manager.setPressureHandler((node, frames) -> {
            space.advise(others, Page.SIZE, Advice.DONTNEED);
            return 1;
        });
        try (PageReferences held = Pins.pinLongTerm(space, base, 1, Access.WRITE)) {
            assertThat(near.contains(held.frame(0))).isFalse();
            assertThat(cpu.loadLong(base)).isEqualTo(7);
        }
        manager.setPressureHandler(null);
        assertThat(near.liveReferences()).isZero();
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    /** Whoever could only load has no store to wait for, and must still be told. */
    @Test
    void aPageThatWasLostIsNotReadAtItsOldPlaceByWhoCouldOnlyLoad() {
        long base = map(1);
        DeviceMemory near = coherentWithOnePage(base, 7);
        space.protect(base, Page.SIZE, Protection.READ);
        assertThat(cpu.loadLong(base)).isEqualTo(7);
        try (Migration m = Migration.setup(space, base, Page.SIZE, Set.of(Migration.Select.DEVICE_COHERENT), driver)) {
            m.markLost(0);
        }
        assertThatThrownBy(() -> cpu.loadLong(base))
                .isInstanceOf(LostPageException.class)
                .hasMessageContaining("near");
        assertThat(near.liveReferences()).isZero();
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    @Test
    void anotherMachinesNodeAndDeviceAreRefused() {
        long base = map(1);
        cpu.storeLong(base, 1);
        try (MemoryManager other = MemoryManager.builder().node(1 << 20).build();
                Migration m = Migration.setup(space, base, Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
            assertThatThrownBy(() -> m.allocateRam(0, other.nodes().get(0))).hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> manager.coldFrames(other.nodes().get(0), 1))
                    .hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> manager.coldFrames(manager.nodes().get(0), 0))
                    .hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> other.removeDevice(gpu)).hasMessageContaining("EINVAL");
            assertThat(manager.memoryName(gpu.firstFrame())).isEqualTo("gpu");
        }
    }

    @Test
    void aReferenceForReadingCannotBeWrittenThrough() {
        long base = map(1);
        cpu.storeLong(base, 7);
        AddressSpace child = space.fork();
        MemorySegment bytes = MemorySegment.ofArray(new byte[8]);
        try (PageReferences page = Pins.get(child, base, 1, Access.READ)) {
            assertThatThrownBy(() -> page.write(0, 0, bytes, 0, 8)).hasMessageContaining("EACCES");
            assertThatThrownBy(() -> page.read(0, 8, bytes, 0, Long.MAX_VALUE)).hasMessageContaining("EINVAL");
        }
        assertThat(cpu.loadLong(base)).isEqualTo(7);
    }

    @Test
    void nothingStartsOnAClosedManager() {
        MemoryManager gone = MemoryManager.builder().node(1 << 20).build();
        gone.close();
        assertThatThrownBy(gone::createAddressSpace).hasMessageContaining("closed");
        assertThatThrownBy(() -> gone.addDevice(
                        new DeviceMemory.Spec("late", DeviceKind.PRIVATE, driver, new ArenaStore(1 << 20)), driver))
                .hasMessageContaining("closed");
    }

    /** What lies beyond the first area would be collected with the rights, and charged to the account, of another. */
    @Test
    void aMigrationDoesNotReachBeyondItsArea() {
        long base = map(4);
        cpu.storeLong(at(base, 1), 1);
        cpu.storeLong(at(base, 2), 2);
        space.protect(at(base, 2), 2L * Page.SIZE, Protection.READ);
        for (int pages : new int[] {2, 3, 4}) {
            assertThatThrownBy(() -> Migration.setup(
                                    space,
                                    at(base, 1),
                                    pages * (long) Page.SIZE,
                                    Set.of(Migration.Select.SYSTEM),
                                    driver)
                            .close())
                    .isInstanceOf(MemoryException.class)
                    .hasMessageContaining("EINVAL");
        }
        space.protect(base, Page.SIZE, Protection.READ_WRITE);
        assertThat(cpu.loadLong(at(base, 1))).isEqualTo(1);
        StateChecker.assertSound(manager);
    }
}
