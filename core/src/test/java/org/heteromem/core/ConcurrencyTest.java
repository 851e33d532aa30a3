package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ObjLongConsumer;
import java.util.stream.LongStream;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the soak found: each defect as a small test of its own. */
class ConcurrencyTest {
    private static final int RAM_PAGES = 16;

    /** A long pin moves a coherent page to RAM; where RAM is full it must leave the page mapped where it was. */
    @Test
    void longPinWithoutFreeRamLeavesThePageWhereItWas() {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            SmokeTest.Driver driver = new SmokeTest.Driver();
            DeviceMemory memory = manager.addDevice(
                    new DeviceMemory.Spec("cxl", DeviceKind.COHERENT, driver, new ArenaStore(Page.address(16))),
                    driver);
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.address(RAM_PAGES), Protection.READ_WRITE, Sharing.PRIVATE);
            try (Cpu cpu = space.newCpu()) {
                cpu.storeLong(a, 42);
                try (Migration m = Migration.setup(space, a, Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
                    memory.initFrame(memory.firstFrame());
                    m.setDestination(0, memory.firstFrame());
                    m.copy(0);
                    assertThat(m.migrate()).isOne();
                }
                for (int i = 1; manager.nodes().getFirst().freeFrames() > 0; i++) {
                    cpu.storeLong(a + Page.address(i), i);
                }

                assertThatThrownBy(() -> Pins.pinLongTerm(space, a, 1, Access.READ))
                        .isInstanceOf(MemoryException.class)
                        .hasMessageContaining("EBUSY");

                assertThat(Inspector.pages(space, a, 1)[0].kind()).isEqualTo(PageKind.PRESENT);
                assertThat(cpu.loadLong(a)).isEqualTo(42);
                cpu.storeLong(a, 43);
                assertThat(cpu.loadLong(a)).isEqualTo(43);
            }
        }
    }

    /** Whoever lists the processes may use what the list holds. */
    @Test
    void aListedAddressSpaceIsComplete() {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            AtomicBoolean done = new AtomicBoolean();
            CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> {
                while (!done.get()) {
                    manager.spaces().forEach(space -> assertThat(space.areas()).isEmpty());
                }
            });
            for (int i = 0; i < 20_000 && !reader.isDone(); i++) {
                manager.createAddressSpace().exit();
            }
            done.set(true);
            reader.join();
        }
    }

    /** A child is not for others to use before the fork has copied all of it: what they put there would be overwritten. */
    @Test
    void aChildIsNotListedBeforeItIsComplete() {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            space.fault(a, Access.WRITE);
            List<List<AddressSpace>> listed = new ArrayList<>();
            AtomicReference<IntervalNotifier> own = new AtomicReference<>();
            try (IntervalNotifier notifier = IntervalNotifier.insert(space, a, Page.SIZE, (invalidation, sequence) -> {
                own.get().setSequence(sequence);
                listed.add(manager.spaces());
            })) {
                own.set(notifier);
                AddressSpace child = space.fork();

                assertThat(listed).containsExactly(List.of(space));
                assertThat(manager.spaces()).containsExactly(space, child);
            }
        }
    }

    /** Whatever moves while pages are thrown away, each is taken off the count that it was put on. */
    @Test
    void pagesThrownAwayWhileTheyMoveAreTakenOffTheirOwnCount() {
        try (MemoryManager manager = MemoryManager.builder()
                .node(Page.address(RAM_PAGES))
                .node(Page.address(RAM_PAGES))
                .build()) {
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.address(4), Protection.READ_WRITE, Sharing.PRIVATE);
            AtomicBoolean done = new AtomicBoolean();
            CompletableFuture<Void> migrator = CompletableFuture.runAsync(() -> {
                long[] all = LongStream.range(0, 2 * RAM_PAGES).toArray();
                while (!done.get()) {
                    try (Migration m = Migration.ofFrames(manager, all)) {
                        for (int i = 0; i < all.length; i++) {
                            if (m.sources().movable(i)
                                    && m.allocateRam(i, manager.nodes().get(all[i] < RAM_PAGES ? 1 : 0))) {
                                m.copy(i);
                            }
                        }
                        m.migrate();
                    }
                }
            });
            try (Cpu cpu = space.newCpu()) {
                for (int i = 0; i < 30_000 && !migrator.isDone(); i++) {
                    cpu.storeLong(a + Page.address(i & 3), i);
                    if ((i & 3) == 3) {
                        space.advise(a, Page.address(4), Advice.DONTNEED);
                    }
                }
            }
            done.set(true);
            migrator.join();
            space.unmap(a, Page.address(4));
            assertThat(Inspector.anonymousPages(space)).isZero();
            assertThat(Inspector.sharedPages(space)).isZero();
        }
    }

    /** Memory whose first look by a CPU is interrupted by something else. */
    private static FrameStore interrupted(Runnable onLook, AtomicBoolean armed) {
        ArenaStore bytes = new ArenaStore(Page.address(16));
        return (FrameStore) Proxy.newProxyInstance(
                FrameStore.class.getClassLoader(), new Class<?>[] {FrameStore.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("segment") && armed.compareAndSet(true, false)) {
                        onLook.run();
                    }
                    return method.invoke(bytes, arguments);
                });
    }

    private static void moveTo(DeviceMemory memory, AddressSpace space, long address, Object owner) {
        try (Migration m = Migration.setup(space, address, Page.SIZE, Set.of(Migration.Select.SYSTEM), owner)) {
            memory.initFrame(memory.firstFrame());
            m.setDestination(0, memory.firstFrame());
            m.copy(0);
            assertThat(m.migrate()).isOne();
        }
    }

    private static void moveHome(MemoryManager manager, long frame) {
        try (Migration m = Migration.ofFrames(manager, new long[] {frame})) {
            assertThat(m.allocateRam(0)).isTrue();
            m.copy(0);
            assertThat(m.migrate()).isOne();
        }
    }

    /** What happens to a page of coherent memory. */
    @FunctionalInterface
    private interface Change {
        void make(
                MemoryManager manager, AddressSpace space, long address, DeviceMemory memory, SmokeTest.Driver driver);
    }

    /** A change comes between a CPU's look at the page table and its use of what it has seen there: a page that holds 42. */
    private static void betweenLookAndUse(Change change, ObjLongConsumer<Cpu> access) {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            SmokeTest.Driver driver = new SmokeTest.Driver();
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            AtomicBoolean armed = new AtomicBoolean();
            AtomicReference<DeviceMemory> memory = new AtomicReference<>();
            Runnable now = () -> change.make(manager, space, a, memory.get(), driver);
            memory.set(manager.addDevice(
                    new DeviceMemory.Spec("first", DeviceKind.COHERENT, driver, interrupted(now, armed)), driver));
            try (Cpu cpu = space.newCpu()) {
                cpu.storeLong(a, 42);
                moveTo(memory.get(), space, a, driver);
                armed.set(true);

                access.accept(cpu, a);
                assertThat(armed).isFalse();
            }
        }
    }

    private static void storeByAnother(AddressSpace space, long address, long value) {
        try (Cpu other = space.newCpu()) {
            other.storeLong(address, value);
        }
    }

    /** The page's memory is removed, and perhaps other memory put in its place. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTranslationIsNotMadeFromMemoryThatWasRemoved(boolean replaced) {
        betweenLookAndUse(
                (manager, space, a, first, driver) -> {
                    moveHome(manager, first.firstFrame());
                    manager.removeDevice(first);
                    storeByAnother(space, a, 43);
                    if (replaced) {
                        DeviceMemory second = manager.addDevice(
                                new DeviceMemory.Spec(
                                        "second", DeviceKind.COHERENT, driver, new ArenaStore(Page.address(16))),
                                driver);
                        assertThat(second.firstFrame()).isEqualTo(first.firstFrame());
                        moveTo(second, space, a, driver);
                    }
                },
                (cpu, a) -> assertThat(cpu.loadLong(a)).isEqualTo(43));
    }

    /** The page goes, or may not be stored to any more. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTranslationIsNotMadeFromAnEntryThatHasChanged(boolean store) {
        if (store) {
            betweenLookAndUse(
                    (manager, space, a, memory, driver) -> space.protect(a, Page.SIZE, Protection.READ), (cpu, a) -> {
                        assertThatThrownBy(() -> cpu.storeLong(a, 43)).isInstanceOf(AccessException.class);
                        assertThat(cpu.loadLong(a)).isEqualTo(42);
                    });
        } else {
            betweenLookAndUse(
                    (manager, space, a, memory, driver) -> {
                        moveHome(manager, memory.firstFrame());
                        storeByAnother(space, a, 43);
                    },
                    (cpu, a) -> assertThat(cpu.loadLong(a)).isEqualTo(43));
        }
    }

    /** Who empties a device goes over its frames by number and takes a reference to each in passing, readied ones too. */
    @Test
    void aReferenceTakenInPassingDoesNotSpoilAReadiedFrame() {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            SmokeTest.Driver driver = new SmokeTest.Driver();
            DeviceMemory memory = manager.addDevice(
                    new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, driver, new ArenaStore(Page.address(16))), driver);
            FrameTable frames = manager.machine().frames;
            long first = memory.firstFrame();
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            space.fault(a, Access.WRITE);
            memory.initFrame(first);
            memory.initFrame(first + 1);
            assertThat(frames.tryGet(first)).isTrue();
            assertThat(frames.tryGet(first + 1)).isTrue();
            try (Migration m = Migration.setup(space, a, Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
                m.setDestination(0, first);
                m.copy(0);
                assertThat(m.migrate()).isOne();
            }
            memory.abandon(first + 1);
            frames.put(first);
            frames.put(first + 1);
            assertThat(memory.liveReferences()).isOne();
            space.exit();
            assertThat(memory.liveReferences()).isZero();
        }
    }

    /**
     * While a store through the old place of a moved page may be under way, nobody may copy the page that is found at the
     * new place: the store would be lost.
     */
    @Test
    void aMovedPageIsNotCopiedBeforeStoresThroughItsOldPlaceHaveEnded() throws InterruptedException {
        try (MemoryManager manager = MemoryManager.builder()
                .node(Page.address(RAM_PAGES))
                .node(Page.address(RAM_PAGES))
                .build()) {
            AtomicReference<Thread> migrator = new AtomicReference<>();
            AtomicReference<Thread.State> duringStop = new AtomicReference<>();
            long from = 1L << 32;
            long to = 1L << 33;
            Mmu mmu = new Mmu() {
                @Override
                public void revoke(long page) {}

                @Override
                public void stopWriters(long firstPage, long pages) {
                    // Called for the old place: a store is "under way" until this returns.
                    if (firstPage == Page.of(from) && duringStop.get() == null) {
                        duringStop.set(Thread.State.NEW);
                        Thread thread = migrator.get();
                        thread.start();
                        while (thread.getState() == Thread.State.RUNNABLE) {
                            Thread.onSpinWait();
                        }
                        duringStop.set(thread.getState());
                    }
                }

                @Override
                public void drop(long firstPage, long pages) {
                    stopWriters(firstPage, pages);
                }

                @Override
                public void relocate(PageMoves moves) {}

                @Override
                public void allowStores(long page) {}

                @Override
                public void fill(long page, long frame, boolean writable) {}
            };
            AddressSpace space = manager.createAddressSpace(mmu);
            space.mapAt(from, Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            space.fault(from, Access.WRITE);
            long frame = Inspector.pages(space, from, 1)[0].frame();
            migrator.set(Thread.ofPlatform().unstarted(() -> {
                try (Migration m = Migration.ofFrames(manager, new long[] {frame})) {
                    assertThat(m.allocateRam(0, manager.nodes().get(1))).isTrue();
                    m.copy(0);
                    m.migrate();
                }
            }));

            space.remap(from, Page.SIZE, to, RemapMode.MOVE);
            migrator.get().join();

            assertThat(duringStop.get()).isNotEqualTo(Thread.State.TERMINATED);
            assertThat(Inspector.pages(space, to, 1)[0].memory()).isEqualTo("node1");
        }
    }

    /** Who looks at counts from outside, as a migrator does, must not see a mapping without the reference it holds. */
    @Test
    void noMappingIsEverSeenWithoutItsReference() {
        try (MemoryManager manager =
                MemoryManager.builder().node(Page.address(RAM_PAGES)).build()) {
            AddressSpace space = manager.createAddressSpace();
            long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            space.fault(a, Access.WRITE);
            FrameTable frames = manager.machine().frames;
            long frame = Inspector.pages(space, a, 1)[0].frame();
            AtomicBoolean done = new AtomicBoolean();
            CompletableFuture<Void> observer = CompletableFuture.runAsync(() -> {
                while (!done.get()) {
                    long counts = frames.counts(frame);
                    assertThat(Frames.mappings(counts)).isLessThanOrEqualTo(Frames.references(counts));
                }
            });
            for (int i = 0; i < 20_000 && !observer.isDone(); i++) {
                space.fork().exit();
            }
            done.set(true);
            observer.join();
        }
    }
}
