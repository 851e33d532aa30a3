package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a driver does wrong: no byte is lost, nothing is left locked, and everybody else is served. */
class DriverMischiefTest {
    private static final int PAGES = 4;

    private boolean refuse;
    private boolean asError;
    private Function<DeviceFault, DriverResult> driver = this::bringHome;
    private Runnable whenFreed = () -> {};
    private Runnable whenAsked = () -> {};
    private Runnable whenTold = () -> {};
    private final DeviceDriver port = new DeviceDriver() {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return driver.apply(fault);
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            whenFreed.run();
        }
    };
    private final MemoryManager manager = MemoryManager.builder()
            .node(1 << 20)
            .allocationGate(node -> {
                whenAsked.run();
                return !refuse;
            })
            .events(event -> whenTold.run())
            .build();
    private final DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
    private final DeviceMemory other = device("other", DeviceKind.PRIVATE);
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();
    private final long base = space.map(PAGES * (long) Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);

    private DeviceMemory device(String name, DeviceKind kind) {
        return manager.addDevice(new DeviceMemory.Spec(name, kind, port, new ArenaStore(1 << 20)), port);
    }

    @BeforeEach
    void write() {
        for (int i = 0; i < PAGES; i++) {
            cpu.storeLong(at(i), 100 + i);
        }
    }

    private long at(int page) {
        return base + page * (long) Page.SIZE;
    }

    private DriverResult bringHome(DeviceFault fault) {
        try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
            if (m.sources().movable(0)) {
                if (!m.allocateRam(0)) {
                    return DriverResult.NO_MEMORY;
                }
                m.copy(0);
                m.migrate();
            }
        }
        return DriverResult.DONE;
    }

    private Migration toDevice() {
        return Migration.setup(space, base, PAGES * (long) Page.SIZE, Set.of(Migration.Select.SYSTEM), port);
    }

    private void moveAll() {
        try (Migration m = toDevice()) {
            for (int i = 0; i < PAGES; i++) {
                gpu.initFrame(gpu.firstFrame() + i);
                m.setDestination(i, gpu.firstFrame() + i);
                m.copy(i);
            }
            assertThat(m.migrate()).isEqualTo(PAGES);
        }
    }

    private void allIsWell() {
        for (int i = 0; i < PAGES; i++) {
            assertThat(cpu.loadLong(at(i))).isEqualTo(100 + i);
        }
        StateChecker.assertSound(manager);
        space.exit();
        StateChecker.assertSound(manager);
        assertThat(gpu.liveReferences() + other.liveReferences()).isZero();
        assertThat(manager.nodes().get(0).freeFrames()).isEqualTo(255);
    }

    @Test
    void ofNeighboursOneOfWhichIsInUseNoneIsReadied() {
        long first = gpu.firstFrame();
        gpu.initFrame(first + 2);
        assertThatThrownBy(() -> gpu.tryInitFrames(first, 4)).hasMessageContaining("EBUSY");
        assertThatThrownBy(() -> gpu.tryInitFrames(first + 255, 2)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> gpu.tryInitFrames(first + 1, 0)).hasMessageContaining("EINVAL");
        assertThat(gpu.liveReferences()).isOne();
        gpu.abandon(first + 2);
        assertThat(gpu.tryInitFrames(first, 4)).isTrue();
        assertThat(gpu.liveReferences()).isEqualTo(4);
        for (int i = 0; i < 4; i++) {
            gpu.abandon(first + i);
        }
        allIsWell();
    }

    // ---- destinations that are none ----------------------------------------------------------------------------

    private void refused(BiConsumer<Migration, Long> mischief) {
        long ready = gpu.firstFrame();
        try (Migration m = toDevice()) {
            gpu.initFrame(ready);
            m.setDestination(0, ready);
            m.copy(0);
            assertThatThrownBy(() -> mischief.accept(m, ready))
                    .isInstanceOf(MemoryException.class)
                    .extracting(e -> ((MemoryException) e).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(m.migrate()).isEqualTo(1);
        }
        allIsWell();
    }

    @Test
    void aFrameThatWasNotReadied() {
        refused((m, ready) -> m.setDestination(1, ready + 1));
    }

    @Test
    void aFrameOfNobody() {
        refused((m, ready) -> m.setDestination(1, Long.MAX_VALUE >>> 12));
    }

    @Test
    void oneFrameForTwoPages() {
        refused((m, ready) -> m.setDestination(1, ready));
    }

    @Test
    void thePageItself() {
        refused((m, ready) -> m.setDestination(1, m.sources().frame(1)));
    }

    @Test
    void aPageOfSomebodyElse() {
        long foreign = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        cpu.storeLong(foreign, 5);
        refused((m, ready) ->
                m.setDestination(1, org.heteromem.core.inspect.Inspector.pages(space, foreign, 1)[0].frame()));
    }

    @Test
    void abandoningWhatAMigrationHas() {
        refused((m, ready) -> gpu.abandon(ready));
    }

    @Test
    void readyingAFrameInUse() {
        moveAll();
        assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame()))
                .isInstanceOf(MemoryException.class)
                .hasMessageContaining("in use");
        allIsWell();
    }

    @Test
    void abandoningAFrameInUse() {
        moveAll();
        assertThatThrownBy(() -> gpu.abandon(gpu.firstFrame())).isInstanceOf(MemoryException.class);
        allIsWell();
    }

    // ---- drivers that throw ------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDriverThatThrowsAtAnyStepOfAMigrationLeavesEveryPageWhereItWas(boolean error) {
        asError = error;
        for (int step = 0; step < 4; step++) {
            int stop = step;
            assertThatThrownBy(() -> {
                        try (Migration m = toDevice()) {
                            fail(stop == 0);
                            for (int i = 0; i < PAGES; i++) {
                                gpu.initFrame(gpu.firstFrame() + i);
                                m.setDestination(i, gpu.firstFrame() + i);
                                fail(stop == 1 && i == 2);
                                m.copy(i);
                            }
                            fail(stop == 2);
                            m.migrate();
                            fail(stop == 3);
                        }
                    })
                    .hasMessage("mischief");
            StateChecker.assertSound(manager);
            for (int i = 0; i < PAGES; i++) {
                assertThat(cpu.loadLong(at(i))).isEqualTo(100 + i);
            }
        }
        allIsWell();
    }

    private void fail(boolean now) {
        if (now && asError) {
            // What an assertion that fails throws, and a class that cannot be loaded.
            throw new AssertionError("mischief");
        }
        if (now) {
            throw new IllegalArgumentException("mischief");
        }
    }

    @Test
    void aDriverThatThrowsAtAFaultHalfWay() {
        moveAll();
        driver = fault -> {
            try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                m.allocateRam(0);
                throw new IllegalArgumentException("mischief");
            }
        };
        assertThatThrownBy(() -> cpu.loadLong(at(1)))
                .isInstanceOf(LostPageException.class)
                .hasMessageContaining("mischief")
                .hasMessageContaining("gpu");
        StateChecker.assertSound(manager);
        driver = this::bringHome;
        allIsWell();
    }

    @Test
    void aDriverWhoseFaultEndsWithAnErrorHoldsNoPage() {
        moveAll();
        asError = true;
        driver = fault -> {
            try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                m.allocateRam(0);
                fail(true);
            }
            return DriverResult.DONE;
        };
        assertThatThrownBy(() -> cpu.loadLong(at(1)))
                .isInstanceOf(AssertionError.class)
                .hasMessage("mischief");
        StateChecker.assertSound(manager);
        driver = this::bringHome;
        allIsWell();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDriverThatThrowsWhenAFrameIsFreedMeetsItAtItsNextStep(boolean error) {
        asError = error;
        moveAll();
        whenFreed = () -> fail(true);
        space.unmap(base, Page.SIZE);
        StateChecker.assertSound(manager);
        whenFreed = () -> {};
        assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame() + 9))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("mischief");
        assertThat(cpu.loadLong(at(1))).isEqualTo(101);
        StateChecker.assertSound(manager);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDriverThatThrowsWhenItIsGivenBackFramesHearsOfAllOfThem(boolean error) {
        asError = error;
        moveAll();
        int[] heard = {0};
        whenFreed = () -> {
            heard[0]++;
            fail(heard[0] == 2);
        };
        try (Migration m =
                Migration.setup(space, base, PAGES * (long) Page.SIZE, Set.of(Migration.Select.DEVICE_PRIVATE), port)) {
            assertThat(m.allocateRam()).isEqualTo(PAGES);
            m.copyAll();
            assertThat(m.migrate()).isEqualTo(PAGES);
        }
        whenFreed = () -> {};
        assertThat(heard[0]).isEqualTo(PAGES);
        assertThat(gpu.liveReferences()).isZero();
        assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame()))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("mischief");
        allIsWell();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNotifierThatThrowsStopsNobodyAndIsBroken(boolean error) {
        asError = error;
        List<String> heard = new ArrayList<>();
        IntervalNotifier bad = IntervalNotifier.insert(space, base, Page.SIZE, (change, sequence) -> fail(true));
        IntervalNotifier[] good = new IntervalNotifier[1];
        good[0] = IntervalNotifier.insert(space, base, Page.SIZE, (change, sequence) -> {
            good[0].setSequence(sequence);
            heard.add(change.reason().name());
        });
        long begun = bad.readBegin();
        moveAll();
        assertThat(heard).contains("MIGRATE");
        assertThat(bad.readRetry(begun)).isTrue();
        assertThatThrownBy(bad::readBegin)
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("mischief");
        assertThat(good[0].readRetry(good[0].readBegin())).isFalse();
        bad.close();
        good[0].close();
        allIsWell();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDeviceWhoseTableCannotBeFilledLeavesAPageThatTheNextTouchTakesBack(boolean error) {
        asError = error;
        assertThatThrownBy(() -> ExclusiveAccess.make(space, base, port, frame -> fail(true)))
                .hasMessage("mischief");
        StateChecker.assertSound(manager);
        allIsWell();
    }

    /** The entry is back before the page lock is released: in between a store may copy the page and free the frame. */
    @Test
    void aStoreThatCopiesAPageBeforeItsMigrationHasEnded() {
        space.fork().exit();
        moveAll();
        whenFreed = () -> {
            whenFreed = () -> {};
            for (int i = 0; i < PAGES; i++) {
                cpu.storeLong(at(i), 100 + i);
            }
        };
        try (Migration m =
                Migration.setup(space, base, PAGES * (long) Page.SIZE, Set.of(Migration.Select.DEVICE_PRIVATE), port)) {
            for (int i = 0; i < PAGES; i++) {
                assertThat(m.allocateRam(i)).isTrue();
                m.copy(i);
            }
            assertThat(m.migrate()).isEqualTo(PAGES);
        }
        allIsWell();
    }

    /** The parent's devices would wait for the end of the fork for ever. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aGateThatThrowsInAForkLeavesNothingAnnounced(boolean error) {
        asError = error;
        IntervalNotifier follower = IntervalNotifier.insert(space, base, Page.SIZE, (change, sequence) -> {});
        try (PageReferences pinned = Pins.pinLongTerm(space, at(0), 1, Access.WRITE)) {
            whenAsked = () -> fail(true);
            assertThatThrownBy(space::fork).hasMessage("mischief");
            whenAsked = () -> {};
            assertThat(manager.spaces()).containsExactly(space);
            StateChecker.of(manager).holding(pinned).assertSound();
        }
        follower.close();
        allIsWell();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSinkThatThrowsIsToldNothingMoreAndChangesNothing(boolean error) {
        asError = error;
        moveAll();
        int[] told = {0};
        whenTold = () -> {
            told[0]++;
            fail(true);
        };
        assertThat(cpu.loadLong(at(0))).isEqualTo(100);
        try (PageReferences pinned = Pins.pin(space, at(1), 2, Access.READ)) {
            StateChecker.of(manager).holding(pinned).assertSound();
        }
        assertThat(told[0]).isOne();
        allIsWell();
        assertThatThrownBy(manager::close)
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("mischief");
    }

    /** Some of the pages are pinned already, others have been let go to be moved, when the handler of pressure throws. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHandlerThatThrowsWhenALongPinMakesRoomLeavesNoPin(boolean error) {
        asError = error;
        DeviceMemory near = device("near", DeviceKind.COHERENT);
        try (Migration m = toDevice()) {
            for (int i = 1; i < PAGES; i++) {
                near.initFrame(near.firstFrame() + i);
                m.setDestination(i, near.firstFrame() + i);
                m.copy(i);
            }
            assertThat(m.migrate()).isEqualTo(PAGES - 1);
        }
        refuse = true;
        manager.setPressureHandler((node, frames) -> {
            fail(true);
            return 0;
        });
        assertThatThrownBy(() -> Pins.pinLongTerm(space, base, PAGES, Access.WRITE))
                .hasMessage("mischief");
        StateChecker.assertSound(manager);
        manager.setPressureHandler(null);
        refuse = false;
        allIsWell();
        assertThat(near.liveReferences()).isZero();
    }

    // ---- drivers that say what is not so -----------------------------------------------------------------------

    @Test
    void aDriverThatSaysItIsDoneForEver() {
        moveAll();
        driver = fault -> DriverResult.DONE;
        assertThatThrownBy(() -> cpu.loadLong(at(0)))
                .isInstanceOf(LostPageException.class)
                .hasMessageContaining("without moving it");
        StateChecker.assertSound(manager);
        driver = this::bringHome;
        allIsWell();
    }

    @Test
    void aDriverThatSaysThereIsNoMemoryForEverThoughThereIs() {
        moveAll();
        driver = fault -> DriverResult.NO_MEMORY;
        assertThatThrownBy(() -> cpu.loadLong(at(0))).isInstanceOf(MemoryExhaustedException.class);
        StateChecker.assertSound(manager);
        driver = this::bringHome;
        allIsWell();
    }

    @Test
    void aDriverThatDoesNotComeBackHoldsUpNobodyButThoseWhoWantThePage() {
        moveAll();
        AddressSpace child = space.fork();
        long elsewhere = child.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        List<FaultResult> seen = new ArrayList<>();
        boolean[] woken = new boolean[1];
        driver = fault -> {
            driver = this::bringHome;
            // The driver hangs here; others go on: the same page waits without blocking, all else is served.
            FaultResult same = child.fault(at(0), Access.READ);
            seen.add(same);
            ((FaultResult.Wait) same).point().whenReady(() -> woken[0] = true);
            seen.add(child.fault(at(1), Access.READ));
            seen.add(child.fault(elsewhere, Access.WRITE));
            assertThat(woken[0]).isFalse();
            return bringHome(fault);
        };
        assertThat(cpu.loadLong(at(0))).isEqualTo(100);
        assertThat(seen.get(1)).isInstanceOf(FaultResult.Done.class);
        assertThat(seen.get(2)).isInstanceOf(FaultResult.Done.class);
        assertThat(woken[0]).isTrue();
        child.exit();
        allIsWell();
    }

    @Test
    void aDriverThatAnswersNothing() {
        moveAll();
        driver = fault -> nothing();
        assertThatThrownBy(() -> cpu.loadLong(at(0)))
                .isInstanceOf(LostPageException.class)
                .hasMessageContaining("gpu");
        StateChecker.assertSound(manager);
        driver = this::bringHome;
        allIsWell();
    }

    @SuppressWarnings("NullAway") // a driver in another language, or compiled without checks
    private static DriverResult nothing() {
        return null;
    }

    // ---- a device that is full, a device that goes -------------------------------------------------------------

    @Test
    void whatADeviceHasNoRoomForStays() {
        try (Migration m = toDevice()) {
            for (int i = 0; i < PAGES; i += 2) {
                gpu.initFrame(gpu.firstFrame() + i);
                m.setDestination(i, gpu.firstFrame() + i);
                m.copy(i);
            }
            assertThat(m.migrate()).isEqualTo(PAGES / 2);
            for (int i = 0; i < PAGES; i++) {
                assertThat(m.migrated(i)).isEqualTo(i % 2 == 0);
            }
        }
        assertThat(gpu.liveReferences()).isEqualTo(PAGES / 2);
        allIsWell();
    }

    private void cannotGoNow() {
        assertThatThrownBy(() -> manager.removeDevice(gpu))
                .isInstanceOf(MemoryException.class)
                .extracting(e -> ((MemoryException) e).errno())
                .isEqualTo(Errno.EBUSY);
    }

    @Test
    void aDeviceStaysThroughAllPhasesOfMigrationsToItAndFromIt() {
        try (Migration m = toDevice()) {
            gpu.initFrame(gpu.firstFrame());
            cannotGoNow();
            m.setDestination(0, gpu.firstFrame());
            cannotGoNow();
            m.copy(0);
            assertThat(m.migrate()).isOne();
            cannotGoNow();
        }
        cannotGoNow();
        driver = fault -> {
            try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                cannotGoNow();
                assertThat(m.allocateRam(0)).isTrue();
                m.copy(0);
                assertThat(m.migrate()).isOne();
                cannotGoNow();
            }
            cannotGoNow();
            return DriverResult.DONE;
        };
        assertThat(cpu.loadLong(at(0))).isEqualTo(100);
        manager.removeDevice(gpu);
        allIsWell();
    }

    // ---- what is used again ------------------------------------------------------------------------------------

    @Test
    void aFaultSaysNothingWhenItsCallIsOver() {
        moveAll();
        List<DeviceFault> kept = new ArrayList<>();
        driver = fault -> {
            kept.add(fault);
            return bringHome(fault);
        };
        allIsWell();
        for (DeviceFault fault : kept) {
            assertThatThrownBy(fault::space).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(fault::memory).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(fault::address).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(fault::frame).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(fault::access).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> bringHome(fault)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aMigrationThatIsClosedCanDoNothingToTheNextOne() {
        Migration closed = toDevice();
        SourceEntries sources = closed.sources();
        closed.close();
        try (Migration m = toDevice()) {
            gpu.initFrame(gpu.firstFrame());
            m.setDestination(0, gpu.firstFrame());
            m.copy(0);
            assertThatThrownBy(() -> closed.decline(0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> closed.markLost(0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(closed::migrate).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> closed.destination(0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(closed::pages).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> sources.movable(0)).isInstanceOf(IllegalStateException.class);
            closed.close();
            assertThat(m.migrate()).isOne();
            assertThat(m.migrated(0)).isTrue();
        }
        allIsWell();
    }

    @Test
    void aMigrationThatIsUsedAgainKnowsNothingOfThoseBefore() {
        moveAll();
        Migration again = Migration.reusable();
        assertThatThrownBy(again::pages).isInstanceOf(IllegalStateException.class);
        driver = fault -> {
            int pages = fault.address() == base ? PAGES : 1;
            try (again) {
                again.beginForFault(fault, fault.address(), pages * (long) Page.SIZE);
                assertThatThrownBy(() -> again.beginForFault(fault, fault.address(), Page.SIZE))
                        .isInstanceOf(IllegalStateException.class);
                assertThat(again.pages()).isEqualTo(pages);
                assertThatThrownBy(() -> again.sources().movable(pages)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> again.allocateRam(pages)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> again.decline(pages)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> again.keepSource(pages)).isInstanceOf(IndexOutOfBoundsException.class);
                for (int i = 0; i < pages; i++) {
                    assertThat(again.sources().movable(i)).isTrue();
                    assertThat(again.destination(i)).isZero();
                    assertThat(again.allocateRam(i)).isTrue();
                    again.copy(i);
                }
                for (int i = 1; i < pages; i++) {
                    again.decline(i);
                }
                assertThat(again.migrate()).isOne();
                assertThat(again.migrated(0)).isTrue();
            }
            return DriverResult.DONE;
        };
        allIsWell();
    }

    @Test
    void aFaultWithinAFaultLeavesTheFirstAlone() {
        AddressSpace second = manager.createAddressSpace();
        long there = second.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        try (Cpu inner = second.newCpu()) {
            inner.storeLong(there, 7);
            moveAll();
            try (Migration m = Migration.setup(second, there, Page.SIZE, Set.of(Migration.Select.SYSTEM), port)) {
                gpu.initFrame(gpu.firstFrame() + PAGES);
                m.setDestination(0, gpu.firstFrame() + PAGES);
                m.copy(0);
                assertThat(m.migrate()).isOne();
            }
            driver = fault -> {
                try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                    if (fault.space() == space) {
                        assertThat(inner.loadLong(there)).isEqualTo(7);
                        assertThat(fault.address()).isEqualTo(base);
                        assertThat(fault.space()).isSameAs(space);
                    }
                    assertThat(m.allocateRam(0)).isTrue();
                    m.copy(0);
                    assertThat(m.migrate()).isOne();
                }
                return DriverResult.DONE;
            };
            assertThat(cpu.loadLong(base)).isEqualTo(100);
        }
        second.exit();
        driver = this::bringHome;
        allIsWell();
    }

    @Test
    void aDeviceThatGoesWhileAMigrationIsUnderWayIsNoDestinationAnyMore() {
        try (Migration m = toDevice()) {
            long frame = gpu.firstFrame();
            manager.removeDevice(gpu);
            assertThatThrownBy(() -> gpu.initFrame(frame)).isInstanceOf(MemoryException.class);
            assertThatThrownBy(() -> m.setDestination(0, frame)).isInstanceOf(MemoryException.class);
            assertThat(m.migrate()).isZero();
        }
        allIsWell();
    }

    // ---- no frame to be had ------------------------------------------------------------------------------------

    @Test
    void everyOperationThatNeedsAFrameFailsCleanlyWithoutOne() {
        moveAll();
        long fresh = space.map(2L * Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        long shared = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.SHARED);
        cpu.loadLong(fresh);
        refuse = true;
        for (Runnable touch : List.<Runnable>of(
                () -> cpu.storeLong(fresh, 1),
                () -> cpu.storeLong(fresh + Page.SIZE, 1),
                () -> cpu.loadLong(shared),
                () -> cpu.loadLong(at(0)),
                () -> Pins.pin(space, at(1), 2, Access.READ),
                () -> space.advise(fresh, Page.SIZE, Advice.POPULATE_WRITE),
                () -> ExclusiveAccess.make(space, at(2), port, frame -> {}))) {
            assertThatThrownBy(touch::run).isInstanceOf(MemoryExhaustedException.class);
            StateChecker.assertSound(manager);
        }
        refuse = false;
        assertThat(cpu.loadLong(fresh)).isZero();
        assertThat(cpu.loadLong(shared)).isZero();
        allIsWell();
    }

    @Test
    void aForkThatMustCopyAPinnedPageFailsCleanlyWithoutAFrame() {
        try (PageReferences pinned = Pins.pinLongTerm(space, at(0), 1, Access.WRITE)) {
            refuse = true;
            assertThatThrownBy(space::fork).isInstanceOf(MemoryExhaustedException.class);
            refuse = false;
            assertThat(manager.spaces()).containsExactly(space);
            StateChecker.of(manager).holding(pinned).assertSound();
        }
        allIsWell();
    }
}
