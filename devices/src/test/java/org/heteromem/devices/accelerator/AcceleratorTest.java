package org.heteromem.devices.accelerator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.MemoryView;
import org.heteromem.core.policy.Move;
import org.heteromem.core.policy.PageRange;
import org.heteromem.core.policy.Place;
import org.heteromem.core.policy.PlacementPolicy;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.policy.Policies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AcceleratorTest {
    private static final int SIZE = Page.SIZE;

    @Test
    void aKernelSeesWhatTheCpuWroteAndTheOtherWayRound() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(4);
            bench.fill(at, 4, 100);
            bench.run((memory, unit, units) -> {
                for (int i = 0; i < 4; i++) {
                    memory.storeLong(at + (long) i * SIZE + 8, memory.loadLong(at + (long) i * SIZE) * 2);
                }
            });
            assertThat(bench.kinds(at, 4)).containsOnly(PageKind.DEVICE_PRIVATE);
            for (int i = 0; i < 4; i++) {
                assertThat(bench.load(at + (long) i * SIZE + 8)).isEqualTo(2L * (100 + i));
            }
            assertThat(bench.kinds(at, 4)).containsOnly(PageKind.PRESENT);
            AcceleratorStatistics statistics = bench.statistics();
            assertThat(statistics.faults()).isEqualTo(4);
            assertThat(statistics.pagesToDevice()).isEqualTo(4);
            assertThat(statistics.bytesToDevice()).isEqualTo(4L * SIZE);
            assertThat(statistics.cpuFaults()).isEqualTo(4);
            assertThat(statistics.pagesToRam()).isEqualTo(4);
        }
    }

    @Test
    void aHitCostsNoFault() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(1);
            bench.fill(at, 1, 1);
            for (int i = 0; i < 3; i++) {
                bench.run((memory, unit, units) -> memory.getAndAddLong(at, 1));
            }
            assertThat(bench.statistics().faults()).isEqualTo(1);
            assertThat(bench.load(at)).isEqualTo(4);
        }
    }

    @Test
    void untouchedMemoryIsBornOnTheDeviceAndZero() {
        try (Bench bench = Bench.single(256, 64, "block-64k")) {
            long at = bench.map(16);
            bench.run((memory, unit, units) -> {
                for (int i = 0; i < 16; i++) {
                    assertThat(memory.loadLong(at + (long) i * SIZE)).isZero();
                    memory.storeLong(at + (long) i * SIZE, i + 1);
                }
            });
            assertThat(bench.statistics().faults()).isEqualTo(1);
            assertThat(bench.statistics().newOnDevice()).isEqualTo(16);
            assertThat(bench.statistics().bytesToDevice()).isZero();
            assertThat(bench.load(at + 15L * SIZE)).isEqualTo(16);
        }
    }

    @Test
    void policiesSayHowMuchComes() {
        try (Bench bench = Bench.single(2048, 1024, "block-2m")) {
            long at = bench.map(512);
            bench.fill(at, 512, 7);
            bench.run((memory, unit, units) -> memory.loadLong(at + 100L * SIZE));
            assertThat(bench.kinds(at, 512)).containsOnly(PageKind.DEVICE_PRIVATE);
            assertThat(bench.statistics().toDeviceForFaults()).isEqualTo(1);
            assertThat(bench.statistics().toDeviceAhead()).isEqualTo(511);
            assertThat(bench.load(at)).isEqualTo(7);
            assertThat(bench.kinds(at, 512)).containsOnly(PageKind.PRESENT);
            assertThat(bench.statistics().toRamAhead()).isEqualTo(511);
        }
    }

    @Test
    void aRangeStopsAtItsArea() {
        try (Bench bench = Bench.single(2048, 1024, "block-2m")) {
            long at = bench.map(64);
            bench.fill(at, 64, 5);
            bench.space.protect(at + 16L * SIZE, 16L * SIZE, Protection.READ);
            bench.space.unmap(at + 32L * SIZE, 16L * SIZE);
            bench.run((memory, unit, units) -> {
                assertThat(memory.loadLong(at)).isEqualTo(5);
                assertThat(memory.loadLong(at + 20L * SIZE)).isEqualTo(25);
                assertThat(memory.loadLong(at + 63L * SIZE)).isEqualTo(68);
            });
            assertThat(bench.statistics().pagesToDevice()).isEqualTo(48);
            assertThat(bench.statistics().faults()).isEqualTo(1);
            assertThat(bench.load(at + 20L * SIZE)).isEqualTo(25);
        }
    }

    @Test
    void faultsOfSeveralUnitsMakeABatch() {
        List<Runnable> pending = new ArrayList<>();
        try (Bench bench = Bench.threaded(256, 64, "on-demand", builder -> builder.faultService(pending::add))) {
            long at = bench.map(8);
            bench.fill(at, 8, 10);
            AtomicLong sum = new AtomicLong();
            Launch launch = bench.accelerator.launch(
                    bench.space, (memory, unit, units) -> sum.addAndGet(memory.loadLong(at + (unit / 2L) * SIZE)));
            while (bench.statistics().faults() < 4) {
                Thread.onSpinWait();
            }
            while (!launch.isDone()) {
                bench.accelerator.serviceFaults();
            }
            launch.join();
            assertThat(sum).hasValue(10 + 10 + 11 + 11);
            assertThat(bench.statistics().largestBatch()).isGreaterThanOrEqualTo(3);
            assertThat(bench.statistics().batchesOfSeveral()).isGreaterThanOrEqualTo(1);
            assertThat(bench.statistics().duplicates()).isGreaterThanOrEqualTo(1);
            assertThat(bench.statistics().pagesToDevice()).isEqualTo(2);
            assertThat(bench.events)
                    .filteredOn(MemoryEvent.FaultBatch.class::isInstance)
                    .isNotEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on-demand", "block-64k", "block-2m", "tree", "tree+lru-allocated"})
    void aWorkingSetLargerThanTheDeviceIsEvictedAndRight(String policy) {
        int pages = 1500;
        try (Bench bench = Bench.single(4096, 500, policy)) {
            long at = bench.map(pages);
            bench.fill(at, pages, 1);
            for (int round = 0; round < 3; round++) {
                bench.run((memory, unit, units) -> {
                    for (long i = 0; i < pages; i++) {
                        memory.getAndAddLong(at + i * SIZE, 1000);
                    }
                });
            }
            for (long i = 0; i < pages; i++) {
                assertThat(bench.load(at + i * SIZE)).isEqualTo(3001 + i);
            }
            assertThat(bench.statistics().evictedPages()).isPositive();
            assertThat(bench.events)
                    .filteredOn(MemoryEvent.Evicted.class::isInstance)
                    .isNotEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"block-2m, 1", "block-2m+lru-allocated, 0"})
    void lruEvictsWhatWasUsedLongestAgoAndByAllocationWhatCameFirst(String policy, int evicted) {
        try (Bench bench = Bench.single(4096, 1100, policy)) {
            long at = bench.map(2048);
            bench.fill(at, 2048, 1);
            long[] block = {at, at + 512L * SIZE, at + 1024L * SIZE};
            touch(bench, block[0]);
            touch(bench, block[1]);
            touch(bench, block[0]);
            touch(bench, block[2]);
            assertThat(bench.kind(block[evicted])).isEqualTo(PageKind.PRESENT);
            assertThat(bench.kind(block[1 - evicted])).isEqualTo(PageKind.DEVICE_PRIVATE);
        }
    }

    private static void touch(Bench bench, long address) {
        bench.run((memory, unit, units) -> memory.loadLong(address));
    }

    // ---- what is not allowed -----------------------------------------------------------------------------------

    @Test
    void anUnmappedAddressEndsTheKernelWithTheAddress() {
        try (Bench bench = Bench.threaded(256, 64, "tree")) {
            long at = bench.map(8);
            long wrong = at + 8L * SIZE + 24;
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                memory.storeLong(at + (long) unit * SIZE, unit + 1);
                if (unit == 2) {
                    memory.loadInt(wrong);
                }
                memory.storeLong(at + (long) unit * SIZE + 8, 9);
            });
            AccessException e = catchThrowableOfType(AccessException.class, launch::join);
            assertThat(e.address()).isEqualTo(wrong);
            assertThat(e.signal()).isEqualTo(AccessException.Signal.SEGV);
            assertThat(e).hasMessageContaining("accelerator").hasMessageContaining("nothing is mapped");
            assertThat(launch.failures()).extracting(Launch.Failure::unit).containsExactly(2);
            for (int unit = 0; unit < 4; unit++) {
                assertThat(bench.load(at + (long) unit * SIZE)).isEqualTo(unit + 1);
                assertThat(bench.load(at + (long) unit * SIZE + 8)).isEqualTo(unit == 2 ? 0 : 9);
            }
            bench.run((memory, unit, units) -> memory.getAndAddLong(at, 1));
            assertThat(bench.load(at)).isEqualTo(5);
        }
    }

    @Test
    void addressesBeyondTheAddressSpaceAreRefused() {
        try (Bench bench = Bench.single(256, 64, "tree")) {
            for (long wrong : new long[] {-8, 1L << 48, Long.MIN_VALUE, 1L << 52}) {
                assertThatThrownBy(() -> bench.run((memory, unit, units) -> memory.loadLong(wrong)))
                        .isInstanceOfSatisfying(
                                AccessException.class,
                                e -> assertThat(e.address()).isEqualTo(wrong));
            }
        }
    }

    @Test
    void aForbiddenStoreIsRefusedAndALoadBesideItServed() {
        try (Bench bench = Bench.single(256, 64, "block-64k")) {
            long at = bench.map(2);
            bench.fill(at, 2, 3);
            bench.space.protect(at, SIZE, Protection.READ);
            AtomicLong seen = new AtomicLong();
            assertThatThrownBy(() -> bench.run((memory, unit, units) -> {
                        seen.set(memory.loadLong(at));
                        memory.storeLong(at + 16, 1);
                    }))
                    .isInstanceOfSatisfying(
                            AccessException.class, e -> assertThat(e.address()).isEqualTo(at + 16))
                    .hasMessageContaining("READ");
            assertThat(seen).hasValue(3);
            assertThat(bench.load(at + 16)).isZero();
            bench.space.protect(at, SIZE, Protection.NONE);
            assertThatThrownBy(() -> touch(bench, at)).isInstanceOf(AccessException.class);
        }
    }

    @Test
    void aKernelThatThrowsIsReportedAndTheProcessGoesOn() {
        try (Bench bench = Bench.threaded(256, 64, "tree")) {
            long at = bench.map(1);
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                memory.getAndAddLong(at, 1);
                if (unit % 2 == 1) {
                    throw new IllegalArgumentException("unit " + unit);
                }
            });
            assertThatThrownBy(launch::join)
                    .isInstanceOf(IllegalArgumentException.class)
                    .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
            assertThat(bench.statistics().failedUnits()).isEqualTo(2);
            assertThat(bench.load(at)).isEqualTo(4);
        }
    }

    // ---- what changes under a kernel ---------------------------------------------------------------------------

    @Test
    void storesOfAKernelToPagesSharedOverAForkAreItsOwn() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(2);
            bench.fill(at, 2, 1);
            touch(bench, at);
            AddressSpace child = bench.space.fork();
            bench.run((memory, unit, units) -> {
                assertThat(memory.loadLong(at)).isEqualTo(1);
                memory.storeLong(at, 10);
                memory.storeLong(at + SIZE, 20);
            });
            AtomicLong childSaw = new AtomicLong();
            bench.accelerator
                    .launch(child, (memory, unit, units) -> {
                        childSaw.set(memory.loadLong(at));
                        memory.storeLong(at + SIZE, 30);
                    })
                    .join();
            assertThat(childSaw).hasValue(1);
            assertThat(bench.load(at)).isEqualTo(10);
            assertThat(bench.load(at + SIZE)).isEqualTo(20);
            try (Cpu cpu = child.newCpu()) {
                assertThat(cpu.loadLong(at)).isEqualTo(1);
                assertThat(cpu.loadLong(at + SIZE)).isEqualTo(30);
            }
            child.exit();
            touch(bench, at);
            assertThat(bench.load(at)).isEqualTo(10);
        }
    }

    @Test
    void aForkWhileKernelsRunTakesOneMoment() throws Exception {
        try (Bench bench = Bench.threaded(2048, 256, "tree")) {
            long at = bench.map(64);
            AtomicBoolean stop = new AtomicBoolean();
            CountDownLatch going = new CountDownLatch(4);
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                long n = 0;
                while (!stop.get()) {
                    // First one word, then the other: whoever sees the second sees the first.
                    long page = at + (unit * 16L + n % 16) * SIZE;
                    memory.storeLong(page, n);
                    memory.storeLong(page + 2048, n);
                    if (++n == 100) {
                        going.countDown();
                    }
                }
            });
            going.await();
            for (int i = 0; i < 10; i++) {
                AddressSpace child = bench.space.fork();
                try (Cpu cpu = child.newCpu()) {
                    for (int page = 0; page < 64; page++) {
                        long first = cpu.loadLong(at + (long) page * SIZE);
                        assertThat(cpu.loadLong(at + (long) page * SIZE + 2048)).isBetween(first - 16, first);
                        assertThat(cpu.loadLong(at + (long) page * SIZE)).isEqualTo(first);
                        cpu.storeLong(at + (long) page * SIZE, -1);
                    }
                }
                child.exit();
            }
            stop.set(true);
            launch.join();
            for (int page = 0; page < 64; page++) {
                assertThat(bench.load(at + (long) page * SIZE)).isNotNegative();
            }
        }
    }

    @Test
    void protectionTakenFromUnderAKernelStopsItsStores() throws Exception {
        try (Bench bench = Bench.threaded(256, 64, "tree", builder -> builder)) {
            long at = bench.map(4);
            CountDownLatch going = new CountDownLatch(4);
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                for (long n = 1; ; n++) {
                    memory.storeLong(at + (long) unit * SIZE, n);
                    if (n == 1000) {
                        going.countDown();
                    }
                }
            });
            going.await();
            bench.space.protect(at, 4L * SIZE, Protection.READ);
            long[] frozen = new long[4];
            for (int i = 0; i < 4; i++) {
                frozen[i] = bench.load(at + (long) i * SIZE);
            }
            assertThatThrownBy(launch::join).isInstanceOf(AccessException.class);
            assertThat(launch.failures()).hasSize(4);
            for (int i = 0; i < 4; i++) {
                assertThat(bench.load(at + (long) i * SIZE))
                        .isEqualTo(frozen[i])
                        .isGreaterThanOrEqualTo(1000);
            }
        }
    }

    @Test
    void unmappedAndThrownAwayMemoryIsGoneForKernelsToo() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(3);
            bench.fill(at, 3, 1);
            for (int i = 0; i < 3; i++) {
                touch(bench, at + (long) i * SIZE);
            }
            bench.space.advise(at, SIZE, Advice.DONTNEED);
            bench.space.unmap(at + SIZE, SIZE);
            bench.run((memory, unit, units) -> assertThat(memory.loadLong(at)).isZero());
            assertThatThrownBy(() -> touch(bench, at + SIZE)).isInstanceOf(AccessException.class);
            assertThat(bench.accelerator.freeFrames()).isEqualTo(64 - 2);
        }
    }

    @Test
    void aPageThatWasReadOnlyForAWhileCanBeStoredToAgain() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(1);
            bench.fill(at, 1, 1);
            touch(bench, at);
            bench.space.protect(at, SIZE, Protection.READ);
            bench.space.protect(at, SIZE, Protection.READ_WRITE);
            // The entry of a private device page stays read-only: it must go home before a store.
            bench.run((memory, unit, units) -> memory.storeLong(at, memory.loadLong(at) + 1));
            assertThat(bench.load(at)).isEqualTo(2);
        }
    }

    @Test
    void aMovedMappingKeepsItsPagesOnTheDevice() {
        try (Bench bench = Bench.single(256, 64, "on-demand")) {
            long at = bench.map(2);
            bench.fill(at, 2, 1);
            touch(bench, at);
            long there = bench.map(1);
            bench.space.remap(at, SIZE, there, RemapMode.MOVE);
            bench.run((memory, unit, units) -> {
                assertThat(memory.loadLong(there)).isEqualTo(1);
                memory.storeLong(there, 2);
            });
            assertThat(bench.statistics().pagesToDevice()).isEqualTo(1);
            assertThat(bench.load(there)).isEqualTo(2);
            assertThatThrownBy(() -> touch(bench, at)).isInstanceOf(AccessException.class);
        }
    }

    // ---- in place ----------------------------------------------------------------------------------------------

    @Test
    void sharedMemoryIsUsedInPlace() {
        try (Bench bench = Bench.single(256, 64, "tree")) {
            long at = bench.space.map(4L * SIZE, Protection.READ_WRITE, Sharing.SHARED);
            bench.fill(at, 4, 1);
            bench.run((memory, unit, units) -> memory.getAndAddLong(at, 5));
            assertThat(bench.kind(at)).isEqualTo(PageKind.PRESENT);
            assertThat(bench.load(at)).isEqualTo(6);
            assertThat(bench.statistics().mirroredInPlace()).isEqualTo(1);
            assertThat(bench.statistics().pagesToDevice()).isZero();
        }
    }

    @Test
    void pinnedPagesAreUsedInPlace() {
        try (Bench bench = Bench.single(256, 64, "block-64k")) {
            long at = bench.map(2);
            bench.fill(at, 2, 1);
            try (PageReferences pin = Pins.pinLongTerm(bench.space, at, 1, Access.WRITE)) {
                bench.run((memory, unit, units) ->
                        memory.storeLong(at, memory.loadLong(at) + memory.loadLong(at + SIZE)));
                assertThat(bench.kind(at)).isEqualTo(PageKind.PRESENT);
                assertThat(bench.kind(at + SIZE)).isEqualTo(PageKind.DEVICE_PRIVATE);
                long[] seen = new long[1];
                pin.read(0, 0, MemorySegment.ofArray(seen), 0, 8);
                assertThat(seen[0]).isEqualTo(3);
            }
        }
    }

    // ---- full memories -----------------------------------------------------------------------------------------

    @Test
    void coldPagesGoToTheDeviceWhenRamIsShort() {
        try (Bench bench = Bench.single(128, 512, "tree")) {
            long at = bench.map(400);
            bench.fill(at, 400, 1);
            for (long i = 0; i < 400; i++) {
                assertThat(bench.load(at + i * SIZE)).isEqualTo(1 + i);
            }
            assertThat(bench.statistics().toDeviceUnderPressure()).isPositive();
            bench.run((memory, unit, units) -> {
                for (long i = 0; i < 400; i++) {
                    assertThat(memory.getAndAddLong(at + i * SIZE, 1)).isEqualTo(1 + i);
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on-demand", "block-64k", "block-2m", "tree"})
    void aWorkingSetThatJustFitsBothMemoriesGoesOn(String policy) {
        try (Bench bench = Bench.single(128, 128, policy)) {
            // All but the zero page and the reserves of two frames each.
            long pages = 128 + 128 - 1 - 4;
            long at = bench.map(pages);
            bench.fill(at, pages, 1);
            for (int round = 0; round < 3; round++) {
                bench.run((memory, unit, units) -> {
                    for (long i = 0; i < pages; i++) {
                        memory.getAndAddLong(at + i * SIZE, 1);
                    }
                });
                try (Cpu cpu = bench.space.newCpu()) {
                    for (long i = pages - 1; i >= 0; i--) {
                        cpu.getAndAddLong(at + i * SIZE, 1);
                    }
                }
            }
            for (long i = 0; i < pages; i++) {
                assertThat(bench.load(at + i * SIZE)).isEqualTo(1 + i + 6);
            }
        }
    }

    @Test
    void fullMemoriesFailByNameAndTheProcessGoesOn() {
        try (Bench bench = Bench.single(128, 64, "block-64k")) {
            long at = bench.map(1000);
            assertThatThrownBy(() -> bench.fill(at, 1000, 1))
                    .isInstanceOf(MemoryExhaustedException.class)
                    .hasMessageContaining("node0")
                    .hasMessageContaining("of 128 pages")
                    .hasMessageContaining("accelerator")
                    .hasMessageContaining("of 64 pages");
            assertThatThrownBy(() -> bench.run((memory, unit, units) -> {
                        for (long i = 0; i < 1000; i++) {
                            memory.storeLong(at + i * SIZE + 8, i);
                        }
                    }))
                    .isInstanceOf(MemoryExhaustedException.class);
            bench.space.advise(at + 100L * SIZE, 900L * SIZE, Advice.DONTNEED);
            bench.run((memory, unit, units) -> {
                for (long i = 0; i < 100; i++) {
                    assertThat(memory.loadLong(at + i * SIZE)).isEqualTo(1 + i);
                }
            });
        }
    }

    // ---- ping-pong ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"on-demand", "tree"})
    void cpuAndKernelsCountTogetherOnOneWord(String policy) throws Exception {
        try (Bench bench = Bench.threaded(256, 64, policy)) {
            long at = bench.map(1);
            int each = 3000;
            Launch launch = bench.accelerator.launch(bench.space, (memory, unit, units) -> {
                for (int i = 0; i < each; i++) {
                    memory.getAndAddLong(at, 1);
                }
            });
            Future<?> cpus = bench.threads().submit(() -> {
                try (Cpu cpu = bench.space.newCpu()) {
                    for (int i = 0; i < each; i++) {
                        cpu.getAndAddLong(at, 1);
                    }
                }
            });
            launch.join();
            cpus.get();
            assertThat(bench.load(at)).isEqualTo(5L * each);
        }
    }

    // ---- the device's own table --------------------------------------------------------------------------------

    @Test
    void withoutItsNotifierAKernelSeesTheWrongValue() {
        AtomicBoolean deaf = new AtomicBoolean();
        try (Bench bench = Bench.single(
                256,
                64,
                "on-demand",
                builder -> builder.suppress(
                        invalidation -> deaf.get() && invalidation.reason() == Invalidation.Reason.CLEAR))) {
            long at = bench.map(1);
            AtomicLong seen = new AtomicLong();
            Kernel look = (memory, unit, units) -> seen.set(memory.loadLong(at));
            for (boolean suppressed : new boolean[] {false, true}) {
                bench.fill(at, 1, 42);
                bench.run(look);
                assertThat(seen).hasValue(42);
                deaf.set(suppressed);
                bench.space.advise(at, SIZE, Advice.DONTNEED);
                deaf.set(false);
                bench.run(look);
                // Memory thrown away reads as zero; the stale translation still leads to the old frame.
                assertThat(seen).hasValue(suppressed ? 42 : 0);
            }
        }
    }

    // ---- wishes ------------------------------------------------------------------------------------------------

    @Test
    void prefetchedPagesCauseNoFaultAndEvictedOnesAreHome() {
        try (Bench bench = Bench.threaded(4096, 2048, "on-demand")) {
            long at = bench.map(1200);
            bench.fill(at, 1200, 1);
            bench.accelerator.prefetch(bench.space, at, 1200L * SIZE);
            assertThat(bench.kinds(at, 1200)).containsOnly(PageKind.DEVICE_PRIVATE);
            bench.run((memory, unit, units) -> {
                for (long i = 0; i < 1200; i++) {
                    assertThat(memory.loadLong(at + i * SIZE)).isEqualTo(1 + i);
                }
            });
            assertThat(bench.statistics().faults()).isZero();
            assertThat(bench.accelerator.evictAll()).isZero();
            assertThat(bench.kinds(at, 1200)).containsOnly(PageKind.PRESENT);
            assertThat(bench.accelerator.freeFrames()).isEqualTo(2048);
            for (long i = 0; i < 1200; i++) {
                assertThat(bench.load(at + i * SIZE)).isEqualTo(1 + i);
            }
        }
    }

    @Test
    void aTickCarriesOutWhatThePolicyWants() {
        PlacementPolicy onDemand = Policies.byName("on-demand").placement();
        PlacementPolicy homeward = new PlacementPolicy() {
            @Override
            public String name() {
                return "homeward";
            }

            @Override
            public String description() {
                return "everything goes home at a tick";
            }

            @Override
            public List<PageRange> deviceFault(BlockView block, BitSet faulted) {
                return onDemand.deviceFault(block, faulted);
            }

            @Override
            public PageRange cpuFault(BlockView block, int page) {
                return onDemand.cpuFault(block, page);
            }

            @Override
            public List<Move> tick(List<BlockView> blocks, MemoryView device) {
                return blocks.stream()
                        .map(block -> new Move(block, new PageRange(0, 256), Place.RAM))
                        .toList();
            }
        };
        try (Bench bench = Bench.single(
                2048, 1024, new PolicySet(homeward, Policies.byName("tree").eviction()))) {
            long at = bench.map(512);
            bench.fill(at, 512, 1);
            bench.accelerator.prefetch(bench.space, at, 512L * SIZE);
            bench.accelerator.tick();
            assertThat(bench.kinds(at, 256)).containsOnly(PageKind.PRESENT);
            assertThat(bench.kinds(at + 256L * SIZE, 256)).containsOnly(PageKind.DEVICE_PRIVATE);
        }
    }

    @Test
    void thePolicySeesWhatTheDeviceUses() {
        try (Bench bench = Bench.single(2048, 1024, "block-64k")) {
            long at = bench.map(64);
            bench.fill(at, 64, 1);
            bench.run((memory, unit, units) -> {
                for (long i = 16; i < 32; i++) {
                    memory.loadLong(at + i * SIZE);
                }
                memory.loadLong(at + 40L * SIZE);
            });
            assertThat(bench.accelerator.blocks()).singleElement().satisfies(block -> {
                assertThat(block.space()).isEqualTo(bench.space.id());
                assertThat(block.address()).isEqualTo(at);
                assertThat(block.pagesOnDevice()).isEqualTo(32);
                assertThat(block.onDevice(15)).isFalse();
                assertThat(block.onDevice(16)).isTrue();
                assertThat(block.faults()).isEqualTo(2);
                assertThat(block.accesses(0)).isZero();
                assertThat(block.accesses(1)).isEqualTo(16);
                assertThat(block.accesses(2)).isEqualTo(1);
            });
        }
    }

    @Test
    void badSizesAreRefusedByValue() {
        try (MemoryManager manager =
                MemoryManager.builder().node(1L << 20).physicalAddressBits(32).build()) {
            AcceleratorBuilder builder = Accelerator.builder(manager, Policies.byName("tree"));
            assertThatThrownBy(() -> builder.memory(100)).hasMessageContaining("100 bytes");
            assertThatThrownBy(() -> builder.units(0, Runnable::run)).hasMessageContaining("0 compute units");
            assertThatThrownBy(() -> builder.memory(8L << 30).build())
                    .isInstanceOf(MemoryException.class)
                    .hasMessageContaining("accelerator")
                    .hasMessageContaining("smaller");
        }
    }

    @Test
    void aClosedAcceleratorHasGivenEverythingBack() {
        try (Bench bench = Bench.single(256, 64, "tree")) {
            long at = bench.map(8);
            bench.fill(at, 8, 1);
            touch(bench, at);
            bench.accelerator.close();
            bench.manager.setPressureHandler(null);
            assertThat(bench.manager.devices()).isEmpty();
            assertThat(bench.load(at + 7L * SIZE)).isEqualTo(8);
            assertThatThrownBy(() -> touch(bench, at))
                    .isInstanceOf(MemoryException.class)
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void anAcceleratorWhosePagesAreOnTheirWayStaysAsItIsAndCanBeClosedLater() {
        try (Bench bench = Bench.single(256, 64, "tree")) {
            long at = bench.map(8);
            bench.fill(at, 8, 1);
            touch(bench, at);
            long first = bench.accelerator.memory().firstFrame();
            long[] frames = new long[64];
            Arrays.setAll(frames, i -> first + i);
            try (Migration migration = Migration.ofFrames(bench.manager, frames)) {
                assertThat(migration.collected()).isPositive();
                assertThatThrownBy(bench.accelerator::close)
                        .isInstanceOf(MemoryException.class)
                        .hasMessageContaining("in use");
            }
            StateChecker.assertSound(bench.manager);
            touch(bench, at);
            bench.accelerator.close();
            assertThat(bench.manager.devices()).isEmpty();
            assertThat(bench.load(at)).isEqualTo(1);
        }
    }

    /** Its handler is still called when RAM is short: it makes no room, and what else there is decides. */
    @Test
    void anAcceleratorThatWasClosedTakesNoPagesWhenRamIsShort() {
        try (Bench bench = Bench.single(32, 64, "tree")) {
            long at = bench.map(40);
            bench.fill(at, 40, 1);
            bench.space.advise(at + 8L * SIZE, 32L * SIZE, Advice.DONTNEED);
            bench.accelerator.close();
            assertThatThrownBy(() -> bench.fill(at + 8L * SIZE, 32, 9)).isInstanceOf(MemoryExhaustedException.class);
            StateChecker.assertSound(bench.manager);
            assertThat(bench.load(at)).isEqualTo(1);
        }
    }

    @Test
    void processesShareTheDeviceAndLeaveItEmpty() {
        try (Bench bench = Bench.single(512, 64, "block-64k")) {
            AddressSpace other = bench.manager.createAddressSpace();
            long at = bench.map(32);
            long there = other.map(32L * SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            for (int round = 0; round < 3; round++) {
                bench.run((memory, unit, units) -> {
                    for (long i = 0; i < 32; i++) {
                        memory.getAndAddLong(at + i * SIZE, 1);
                    }
                });
                bench.accelerator
                        .launch(other, (memory, unit, units) -> {
                            for (long i = 0; i < 32; i++) {
                                memory.getAndAddLong(there + i * SIZE, 2);
                            }
                        })
                        .join();
            }
            assertThat(bench.load(at + 31L * SIZE)).isEqualTo(3);
            other.exit();
            bench.space.exit();
            assertThat(bench.accelerator.freeFrames()).isEqualTo(64);
            assertThatThrownBy(() -> bench.accelerator.launch(other, (memory, unit, units) -> {}))
                    .hasMessageContaining("exited");
        }
    }

    @Test
    void inOneThreadTheSameCallsGiveTheSameEvents() {
        assertThat(trace()).isEqualTo(trace());
    }

    private static List<String> trace() {
        try (Bench bench = Bench.single(700, 300, "tree", builder -> builder.units(3, Runnable::run))) {
            long at = bench.map(600);
            bench.fill(at, 600, 1);
            bench.run((memory, unit, units) -> {
                for (long i = unit; i < 600; i += units) {
                    memory.getAndAddLong(at + i * 7 % 600 * SIZE, i);
                }
            });
            bench.fill(at, 600, 2);
            return bench.events.stream().map(Object::toString).toList();
        }
    }
}
