package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Somebody wants to remove a device at each moment of migrations to it and from it: refused while it is in use, else done. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeviceRemovalTest {
    private static final int PAGES = 3;
    private static final int DEVICE_BYTES = 1 << 20;

    private final List<MemoryEvent> events = new ArrayList<>();
    private Function<DeviceFault, DriverResult> onFault = this::bringHome;
    private Runnable whenFreed = () -> {};
    private final DeviceDriver driver = new DeviceDriver() {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return onFault.apply(fault);
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            whenFreed.run();
        }
    };
    private final MemoryManager manager =
            MemoryManager.builder().node(1 << 20).events(this::note).build();
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();
    private final long base = space.map(PAGES * (long) Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);

    private synchronized void note(MemoryEvent event) {
        events.add(event);
    }

    private DeviceMemory device(String name, DeviceKind kind) {
        for (int i = 0; i < PAGES; i++) {
            cpu.storeLong(at(i), 100 + i);
        }
        return manager.addDevice(new DeviceMemory.Spec(name, kind, driver, new ArenaStore(DEVICE_BYTES)), driver);
    }

    private long at(int page) {
        return base + page * (long) Page.SIZE;
    }

    private DriverResult bringHome(DeviceFault fault) {
        try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
            if (m.sources().movable(0) && m.allocateRam(0)) {
                m.copy(0);
                m.migrate();
            }
        }
        return DriverResult.DONE;
    }

    private Migration setup(Select select) {
        return Migration.setup(space, base, PAGES * (long) Page.SIZE, Set.of(select), driver);
    }

    private void moveAllTo(DeviceMemory memory) {
        try (Migration m = setup(Select.SYSTEM)) {
            for (int i = 0; i < PAGES; i++) {
                destine(m, i, memory);
            }
            assertThat(m.migrate()).isEqualTo(PAGES);
        }
    }

    private static void destine(Migration m, int i, DeviceMemory memory) {
        memory.initFrame(memory.firstFrame() + i);
        m.setDestination(i, memory.firstFrame() + i);
        m.copy(i);
    }

    private static void moveHome(Migration m) {
        for (int i = 0; i < m.pages(); i++) {
            if (m.sources().movable(i)) {
                assertThat(m.allocateRam(i)).isTrue();
                m.copy(i);
            }
        }
        assertThat(m.migrate()).isPositive();
    }

    /** Neither by this thread nor by another one, which need not wait to hear so. */
    private void cannotGo(DeviceMemory memory) {
        for (Runnable attempt : List.<Runnable>of(
                () -> manager.removeDevice(memory),
                () -> CompletableFuture.runAsync(() -> manager.removeDevice(memory))
                        .join())) {
            assertThatThrownBy(attempt::run)
                    .extracting(e -> e instanceof MemoryException ? e : e.getCause())
                    .extracting(e -> ((MemoryException) e).errno())
                    .isEqualTo(Errno.EBUSY);
        }
        assertThat(manager.devices()).contains(memory);
    }

    private void allIsWell() {
        for (int i = 0; i < PAGES; i++) {
            assertThat(cpu.loadLong(at(i))).isEqualTo(100 + i);
            cpu.storeLong(at(i), 100 + i);
        }
        StateChecker.assertSound(manager);
        space.exit();
        StateChecker.assertSound(manager);
        assertThat(manager.nodes().get(0).freeFrames()).isEqualTo(255);
    }

    private static Select of(DeviceKind kind) {
        return kind == DeviceKind.PRIVATE ? Select.DEVICE_PRIVATE : Select.DEVICE_COHERENT;
    }

    // ---- phases ------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(DeviceKind.class)
    void onTheWayToItItIsInUseFromItsFirstFrameThatIsReady(DeviceKind kind) {
        DeviceMemory gpu = device("gpu", kind);
        for (boolean moved : new boolean[] {false, true}) {
            try (Migration m = setup(Select.SYSTEM)) {
                gpu.initFrame(gpu.firstFrame());
                cannotGo(gpu);
                m.setDestination(0, gpu.firstFrame());
                cannotGo(gpu);
                m.copy(0);
                cannotGo(gpu);
                if (moved) {
                    m.migrate();
                    cannotGo(gpu);
                }
            }
            assertThat(gpu.liveReferences()).isEqualTo(moved ? 1 : 0);
        }
        cannotGo(gpu);
        space.advise(base, Page.SIZE, Advice.DONTNEED);
        manager.removeDevice(gpu);
        cpu.storeLong(base, 100);
        allIsWell();
    }

    @ParameterizedTest
    @EnumSource(DeviceKind.class)
    void onTheWayFromItItIsInUseUntilTheMigrationIsClosed(DeviceKind kind) {
        DeviceMemory gpu = device("gpu", kind);
        for (boolean byFrame : new boolean[] {false, true}) {
            moveAllTo(gpu);
            long first = gpu.firstFrame();
            try (Migration m =
                    byFrame ? Migration.ofFrames(manager, new long[] {first, first + 1, first + 2}) : setup(of(kind))) {
                cannotGo(gpu);
                moveHome(m);
                cannotGo(gpu);
            }
            assertThat(gpu.liveReferences()).isZero();
        }
        manager.removeDevice(gpu);
        allIsWell();
    }

    @ParameterizedTest
    @EnumSource(DeviceKind.class)
    void aMigrationThatWasOnlyCollectedKeepsItAndOneThatCameTooLateFindsNoDestination(DeviceKind kind) {
        DeviceMemory gpu = device("gpu", kind);
        moveAllTo(gpu);
        try (Migration m = setup(of(kind))) {
            assertThat(m.collected()).isEqualTo(PAGES);
            cannotGo(gpu);
        }
        cannotGo(gpu);
        try (Migration m = setup(of(kind))) {
            moveHome(m);
        }
        try (Migration m = setup(Select.SYSTEM)) {
            manager.removeDevice(gpu);
            assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame())).hasMessageContaining("was removed");
            assertThat(m.migrate()).isZero();
        }
        allIsWell();
    }

    @Test
    void itsStoreIsClosedAtTheEndOrBeforeIfThatIsAskedFor() {
        List<MemorySegment> bytes = new ArrayList<>();
        List<DeviceMemory> devices = new ArrayList<>();
        for (String name : List.of("there", "removed", "closed")) {
            FrameStore store = new ArenaStore(DEVICE_BYTES);
            bytes.add(Objects.requireNonNull(store.segment(0)));
            devices.add(manager.addDevice(new DeviceMemory.Spec(name, DeviceKind.PRIVATE, driver, store), driver));
        }
        devices.forEach(this::cannotBeClosed);
        manager.removeDevice(devices.get(1));
        manager.removeDevice(devices.get(2));
        assertThat(bytes).allMatch(segment -> segment.scope().isAlive());
        manager.closeStore(devices.get(2));
        assertThat(bytes.stream().map(segment -> segment.scope().isAlive())).containsExactly(true, true, false);
        cannotBeClosed(devices.get(2));
        cpu.close();
        manager.close();
        assertThat(bytes).noneMatch(segment -> segment.scope().isAlive());
    }

    private void cannotBeClosed(DeviceMemory memory) {
        assertThatThrownBy(() -> manager.closeStore(memory))
                .hasMessageContaining("'" + memory.name() + "' has not been removed")
                .extracting(e -> ((MemoryException) e).errno())
                .isEqualTo(Errno.EINVAL);
    }

    // ---- callbacks ---------------------------------------------------------------------------------------------

    @Test
    void aDriverCannotRemoveItWhileItIsToldOfTheLastFrame() {
        DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
        moveAllTo(gpu);
        AtomicInteger freed = new AtomicInteger();
        whenFreed = () -> {
            cannotGo(gpu);
            freed.getAndIncrement();
        };
        onFault = fault -> {
            cannotGo(gpu);
            DriverResult result = bringHome(fault);
            cannotGo(gpu);
            return result;
        };
        assertThat(cpu.loadLong(at(0))).isEqualTo(100);
        space.unmap(at(1), Page.SIZE);
        cannotGo(gpu);
        assertThat(cpu.loadLong(at(2))).isEqualTo(102);
        assertThat(freed).hasValue(PAGES);
        // Had an attempt gone wrong, the driver would be broken now.
        gpu.initFrame(gpu.firstFrame());
        gpu.abandon(gpu.firstFrame());
        manager.removeDevice(gpu);
        space.mapAt(at(1), Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        cpu.storeLong(at(1), 101);
        allIsWell();
    }

    @ParameterizedTest
    @EnumSource(DeviceKind.class)
    void followersCanRemoveItBeforeAPageIsOnItsWayThereAndNotWhileOneIsThere(DeviceKind kind) {
        DeviceMemory gpu = device("gpu", kind);
        Runnable[] whenTold = {() -> {}};
        AtomicInteger told = new AtomicInteger();
        IntervalNotifier[] follower = new IntervalNotifier[1];
        follower[0] = IntervalNotifier.insert(space, base, PAGES * (long) Page.SIZE, (change, sequence) -> {
            follower[0].setSequence(sequence);
            told.getAndIncrement();
            whenTold[0].run();
        });
        moveAllTo(gpu);
        whenTold[0] = () -> cannotGo(gpu);
        told.set(0);
        try (Migration m = setup(of(kind))) {
            moveHome(m);
        }
        whenTold[0] = () -> {};
        moveAllTo(gpu);
        whenTold[0] = () -> cannotGo(gpu);
        try (Migration m = Migration.ofFrames(manager, new long[] {gpu.firstFrame(), gpu.firstFrame() + 1})) {
            moveHome(m);
        }
        space.protect(base, PAGES * (long) Page.SIZE, Protection.READ);
        space.protect(base, PAGES * (long) Page.SIZE, Protection.READ_WRITE);
        space.fork().exit();
        whenTold[0] = () -> {};
        try (Migration m = setup(of(kind))) {
            moveHome(m);
        }
        assertThat(told.get()).isGreaterThan(4);
        whenTold[0] = () -> {
            whenTold[0] = () -> {};
            manager.removeDevice(gpu);
        };
        try (Migration m = setup(Select.SYSTEM)) {
            assertThat(gpu.removed()).isTrue();
            assertThatThrownBy(() -> gpu.initFrame(gpu.firstFrame())).hasMessageContaining("was removed");
            m.migrate();
        }
        // It would have said so if a callback had thrown.
        assertThat(follower[0].readRetry(follower[0].readBegin())).isFalse();
        follower[0].close();
        allIsWell();
    }

    @Test
    void whoTakesAPageForHimselfOrHoldsItKeepsItsMemory() {
        DeviceMemory gpu = device("gpu", DeviceKind.COHERENT);
        moveAllTo(gpu);
        ExclusiveAccess.make(space, base, driver, frame -> cannotGo(gpu));
        cannotGo(gpu);
        try (PageReferences held = Pins.pin(space, at(1), 1, Access.READ)) {
            space.exit();
            assertThat(gpu.contains(held.frame(0))).isTrue();
            assertThat(gpu.liveReferences()).isOne();
            cannotGo(gpu);
        }
        manager.removeDevice(gpu);
        StateChecker.assertSound(manager);
        assertThat(manager.nodes().get(0).freeFrames()).isEqualTo(255);
    }

    // ---- right after it ----------------------------------------------------------------------------------------

    /** The last page of one device has gone while a page of another is still to go: what happened is told by names. */
    @Test
    void whatHappenedIsToldThoughTheDeviceHasGoneMeanwhile() {
        DeviceMemory slow = device("slow", DeviceKind.PRIVATE);
        DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
        try (Migration m = setup(Select.SYSTEM)) {
            destine(m, 0, slow);
            destine(m, 2, gpu);
            assertThat(m.migrate()).isEqualTo(2);
        }
        whenFreed = () -> {
            if (gpu.liveReferences() == 0) {
                manager.removeDevice(gpu);
            }
        };
        events.clear();
        try (Migration m = Migration.ofFrames(manager, new long[] {slow.firstFrame(), gpu.firstFrame() + 2})) {
            moveHome(m);
        }
        assertThat(gpu.removed()).isTrue();
        assertThat(events)
                .filteredOn(MemoryEvent.PagesMoved.class::isInstance)
                .extracting(e -> ((MemoryEvent.PagesMoved) e).from())
                .containsExactly("slow", "gpu");
        whenFreed = () -> {};
        manager.removeDevice(slow);
        allIsWell();
    }

    @Test
    void whoWaitedForAPageOfItIsWokenAndWhoComesLaterDoesNotWait() {
        DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
        moveAllTo(gpu);
        List<String> woken = new ArrayList<>();
        FaultResult.Wait late;
        try (Migration m = setup(Select.DEVICE_PRIVATE)) {
            ((FaultResult.Wait) space.fault(at(0), Access.READ)).point().whenReady(() -> woken.add("early"));
            late = (FaultResult.Wait) space.fault(at(1), Access.READ);
            moveHome(m);
            assertThat(woken).isEmpty();
        }
        assertThat(woken).containsExactly("early");
        manager.removeDevice(gpu);
        late.point().whenReady(() -> woken.add("late"));
        assertThat(woken).containsExactly("early", "late");
        allIsWell();
    }

    @Test
    void itsFramesArePassedOverAndANewDeviceWithTheSameNumbersIsNotMistakenForIt() {
        DeviceMemory gpu = device("gpu", DeviceKind.PRIVATE);
        long first = gpu.firstFrame();
        manager.removeDevice(gpu);
        for (boolean replaced : new boolean[] {false, true}) {
            if (replaced) {
                DeviceMemory next = device("next", DeviceKind.PRIVATE);
                assertThat(next.firstFrame()).isEqualTo(first);
                moveAllTo(next);
                next.setDriverData(first, 77);
            }
            long ram = org.heteromem.core.inspect.Inspector.pages(space, at(0), 1)[0].frame();
            try (Migration m = Migration.ofFrames(manager, new long[] {ram, first + 100, first + 101})) {
                assertThat(m.collected()).isOne();
            }
            assertThat(gpu.references(first)).isZero();
            assertThat(gpu.driverData(first)).isZero();
            assertThat(gpu.isCopy(first)).isFalse();
            assertThat(gpu.dropCopy(first)).isFalse();
            assertThatThrownBy(() -> gpu.initFrame(first + 9)).hasMessageContaining("was removed");
            assertThatThrownBy(() -> manager.removeDevice(gpu)).hasMessageContaining("EINVAL");
        }
        assertThat(manager.devices().getFirst().liveReferences()).isEqualTo(PAGES);
        allIsWell();
    }

    // ---- another thread ----------------------------------------------------------------------------------------

    /** Whoever wins: either the device has gone and takes no page, or it stays, and none is lost. */
    @ParameterizedTest
    @EnumSource(DeviceKind.class)
    void anotherThreadThatRemovesItWinsOrIsRefused(DeviceKind kind) throws InterruptedException {
        for (int round = 0; round < 150; round++) {
            DeviceMemory gpu = device("gpu", kind);
            CountDownLatch go = new CountDownLatch(1);
            Thread remover = Thread.ofPlatform().start(() -> {
                go.countDown();
                while (!gpu.removed()) {
                    try {
                        manager.removeDevice(gpu);
                    } catch (MemoryException e) {
                        assertThat(e.errno()).isEqualTo(Errno.EBUSY);
                    }
                }
            });
            assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
            boolean there = true;
            while (there) {
                try (Migration m = setup(Select.SYSTEM)) {
                    there = offer(m, gpu);
                    m.migrate();
                }
                try (Migration m = setup(of(kind))) {
                    for (int i = 0; i < PAGES; i++) {
                        if (m.sources().movable(i) && !m.sources().hole(i)) {
                            assertThat(m.allocateRam(i)).isTrue();
                            m.copy(i);
                        }
                    }
                    m.migrate();
                }
            }
            remover.join();
            assertThat(gpu.liveReferences()).isZero();
            assertThat(manager.devices()).isEmpty();
            for (int i = 0; i < PAGES; i++) {
                assertThat(cpu.loadLong(at(i))).isEqualTo(100 + i);
            }
        }
        allIsWell();
    }

    private static boolean offer(Migration m, DeviceMemory gpu) {
        try {
            for (int i = 0; i < PAGES; i++) {
                if (m.sources().movable(i)) {
                    destine(m, i, gpu);
                }
            }
            return true;
        } catch (MemoryException e) {
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            return false;
        }
    }
}
