package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.function.Function;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.Test;

/** What happens between the phases of a migration, made to happen there by one thread. */
class RaceTest {
    private Function<DeviceFault, DriverResult> onFault = this::bringHome;
    private final DeviceDriver driver = new DeviceDriver() {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return onFault.apply(fault);
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            // Frames are handed out once.
        }
    };
    private final MemoryManager manager = MemoryManager.builder().node(1 << 20).build();
    private final DeviceMemory gpu = manager.addDevice(
            new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, driver, new ArenaStore(1 << 20)), driver);
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();
    private final long base = space.map(2L * Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
    private long next = gpu.firstFrame();

    private DriverResult bringHome(DeviceFault fault) {
        try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
            if (m.sources().movable(0) && m.allocateRam(0)) {
                m.copy(0);
                m.migrate();
            }
        }
        return DriverResult.DONE;
    }

    private Migration setup(Migration.Select select) {
        return Migration.setup(space, base, 2L * Page.SIZE, Set.of(select), driver);
    }

    private void destine(Migration m, int i) {
        gpu.initFrame(next);
        m.setDestination(i, next++);
        m.copy(i);
    }

    private PageView look(int page) {
        return Inspector.pages(space, base, 2)[page];
    }

    @Test
    void whoTouchesAHoleFirstKeepsIt() {
        try (Migration m = setup(Migration.Select.SYSTEM)) {
            assertThat(m.collected()).isEqualTo(2);
            destine(m, 0);
            destine(m, 1);
            cpu.storeLong(base, 42);
            assertThat(m.migrate()).isEqualTo(1);
            assertThat(m.migrated(0)).isFalse();
        }
        assertThat(cpu.loadLong(base)).isEqualTo(42);
        assertThat(look(0).kind()).isEqualTo(PageKind.PRESENT);
        assertThat(look(1).kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
        StateChecker.assertSound(manager);
    }

    @Test
    void aZeroPageOfAWritableAreaArrivesWritable() {
        cpu.loadLong(base);
        try (Migration m = setup(Migration.Select.SYSTEM)) {
            destine(m, 0);
            assertThat(m.sources().hole(0)).isTrue();
            assertThat(m.migrate()).isEqualTo(1);
        }
        assertThat(look(0).kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
        assertThat(look(0).writable()).isTrue();
        StateChecker.assertSound(manager);
    }

    @Test
    void aReferenceTakenByAnotherMigrationDuringTheCopyKeepsThePage() {
        cpu.storeLong(base, 42);
        long frame = look(0).frame();
        try (Migration m = setup(Migration.Select.SYSTEM)) {
            destine(m, 0);
            // Whoever looks for pages by frame takes a reference before he finds the page locked.
            manager.machine().frames.get(frame);
            assertThat(m.migrate()).isZero();
        }
        manager.machine().frames.put(frame);
        assertThat(look(0).frame()).isEqualTo(frame);
        assertThat(look(0).writable()).isTrue();
        assertThat(cpu.loadLong(base)).isEqualTo(42);
        StateChecker.assertSound(manager);
    }

    @Test
    void aPageThatAFaultHasLockedIsPassedOver() {
        cpu.storeLong(base, 42);
        try (Migration m = setup(Migration.Select.SYSTEM)) {
            destine(m, 0);
            m.migrate();
        }
        int[] collected = {-1};
        onFault = fault -> {
            try (Migration other = setup(Migration.Select.DEVICE_PRIVATE)) {
                collected[0] = other.sources().movable(0) ? 1 : 0;
            }
            return bringHome(fault);
        };
        assertThat(cpu.loadLong(base)).isEqualTo(42);
        assertThat(collected[0]).isZero();
        StateChecker.assertSound(manager);
    }

    @Test
    void aPageThatSomebodyHoldsStaysAndStaysWritable() {
        cpu.storeLong(base, 42);
        try (PageReferences held = Pins.get(space, base, 1, Access.READ)) {
            try (Migration m = setup(Migration.Select.SYSTEM)) {
                assertThat(m.sources().movable(0)).isFalse();
            }
            assertThat(look(0).writable()).isTrue();
            cpu.storeLong(base, 43);
            assertThat(look(0).frame()).isEqualTo(held.frame(0));
        }
        StateChecker.assertSound(manager);
    }

    @Test
    void aChangeBetweenBeginAndRetryIsSeenAndAnotherRangeIsNot() {
        IntervalNotifier[] made = new IntervalNotifier[1];
        made[0] = IntervalNotifier.insert(space, base, Page.SIZE, (change, sequence) -> made[0].setSequence(sequence));
        long begun = made[0].readBegin();
        assertThat(made[0].readRetry(begun)).isFalse();
        space.advise(base + Page.SIZE, Page.SIZE, Advice.DONTNEED);
        assertThat(made[0].readRetry(begun)).isFalse();
        space.advise(base, Page.SIZE, Advice.DONTNEED);
        assertThat(made[0].readRetry(begun)).isTrue();
        assertThat(made[0].readRetry(made[0].readBegin())).isFalse();
        made[0].close();
    }

    /** Thrown instead of waiting, where one thread plays both sides. */
    private static final class MustWait extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static MemoryManager thatNeverWaits() {
        return MemoryManager.builder()
                .node(1 << 20)
                .waiting(point -> {
                    throw new MustWait();
                })
                .build();
    }

    @Test
    void whoBeginsDuringAChangeOfItsRangeWaitsForTheEndOfTheChange() {
        AddressSpace still = thatNeverWaits().createAddressSpace();
        long page = still.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        IntervalNotifier[] own = new IntervalNotifier[1];
        boolean[] waited = {false};
        own[0] = IntervalNotifier.insert(still, page, Page.SIZE, (change, sequence) -> {
            own[0].setSequence(sequence);
            try {
                own[0].readBegin();
            } catch (MustWait e) {
                waited[0] = true;
            }
        });
        still.advise(page, Page.SIZE, Advice.DONTNEED);
        assertThat(waited[0]).isTrue();
        assertThat(own[0].readRetry(own[0].readBegin())).isFalse();
    }

    @Test
    void whoStartsToFollowDuringAChangeWaitsForItsEndToo() {
        AddressSpace still = thatNeverWaits().createAddressSpace();
        long page = still.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        IntervalNotifier[] first = new IntervalNotifier[1];
        IntervalNotifier[] second = new IntervalNotifier[1];
        first[0] = IntervalNotifier.insert(still, page, Page.SIZE, (change, sequence) -> {
            first[0].setSequence(sequence);
            second[0] = IntervalNotifier.insert(still, page, Page.SIZE, (c, s) -> second[0].setSequence(s));
            // The change began before there was a callback to tell of it.
            assertThatThrownBy(second[0]::readBegin).isInstanceOf(MustWait.class);
        });
        still.advise(page, Page.SIZE, Advice.DONTNEED);
        assertThat(second[0]).isNotNull();
        assertThat(first[0].readRetry(first[0].readBegin())).isFalse();
        assertThat(second[0].readRetry(second[0].readBegin())).isFalse();
    }

    @Test
    void aForkSharesAPageThatIsOnItsWayWithoutLeavingEitherTheRightToWrite() {
        cpu.storeLong(base, 42);
        AddressSpace child;
        try (Migration m = Migration.ofFrames(manager, new long[] {look(0).frame()})) {
            assertThat(m.collected()).isOne();
            child = space.fork();
            assertThat(look(0).kind()).isEqualTo(PageKind.MIGRATION);
        }
        assertThat(look(0).writable()).isFalse();
        assertThat(Inspector.pages(child, base, 1)[0].writable()).isFalse();
        StateChecker.assertSound(manager);
        cpu.storeLong(base, 43);
        try (Cpu other = child.newCpu()) {
            assertThat(other.loadLong(base)).isEqualTo(42);
        }
        StateChecker.assertSound(manager);
    }
}
