package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.heteromem.core.LostPageException;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.PageKind;
import org.junit.jupiter.api.Test;

/** The driver, over a store that keeps pages as they are: what moves, what stays, and what a failing store does to it. */
class StorageDeviceTest {
    private static final StorageOptions SINGLE = StorageOptions.defaults().withFaultAround(FaultAround.fixed(1));

    @Test
    void aProgramLargerThanRamFindsEveryByteAgain() {
        try (Host host = new Host(64)) {
            StorageDevice device = host.device("ram:4M", StorageOptions.defaults());
            host.overflowTo(device);
            long address = host.map(500);
            host.fill(address, 500, 1);
            host.check(address, 500, 1);
            host.fill(address, 500, 7);
            host.check(address, 500, 7);
            StorageStatistics statistics = device.statistics();
            assertThat(statistics.pagesOut()).isGreaterThan(500);
            assertThat(statistics.pagesIn()).isGreaterThan(400);
            assertThat(statistics.pagesStored()).isEqualTo(host.on(device, address, 500));
            assertThat(statistics.bytesStored())
                    .isEqualTo((statistics.pagesStored() + statistics.copies()) * Page.SIZE);
            host.space.unmap(address, Page.address(500));
            assertThat(device.statistics().pagesStored()).isZero();
            assertThat(device.statistics().bytesStored()).isZero();
        }
    }

    @Test
    void evictionTakesPagesAndNeverHoles() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = host.map(100);
            host.fill(address, 10, 1);
            host.fill(address + Page.address(50), 10, 51);
            host.cpu.loadLong(address + Page.address(20));
            assertThat(device.evict(host.space, address, Page.address(100))).isEqualTo(20);
            assertThat(host.view(address).kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
            assertThat(host.view(address + Page.address(20)).kind()).isEqualTo(PageKind.ZERO);
            assertThat(host.view(address + Page.address(30)).kind()).isEqualTo(PageKind.NONE);
            assertThat(device.statistics().pagesStored()).isEqualTo(20);
            // What is there already does not move again.
            assertThat(device.evict(host.space, address, Page.address(100))).isZero();
            host.check(address, 10, 1);
            host.check(address + Page.address(50), 10, 51);
        }
    }

    @Test
    void evictionPassesOverWhatIsNotMappedAndWhatIsLocked() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = host.map(30);
            host.fill(address, 30, 1);
            host.space.unmap(address + Page.address(10), Page.address(5));
            host.space.lock(address + Page.address(20), Page.address(5));
            assertThat(device.evict(host.space, address, Page.address(40))).isEqualTo(20);
            assertThat(host.view(address + Page.address(22)).kind()).isEqualTo(PageKind.PRESENT);
            assertThat(device.fetch(host.space, address, Page.address(40))).isEqualTo(20);
            assertThatThrownBy(() -> device.evict(host.space, address + 1, Page.SIZE))
                    .isInstanceOf(MemoryException.class)
                    .hasMessageContaining("whole pages");
        }
    }

    @Test
    void neighboursGetNeighbouringSlotsAlsoAfterTheOrderOfRamIsMixedUp() {
        try (Host host = new Host(600)) {
            StorageDevice device = host.device("ram:8M", SINGLE);
            long address = host.map(512);
            for (int i = 0; i < 512; i++) {
                host.fill(address + Page.address(i * 37 % 512), 1, i * 37 % 512);
            }
            assertThat(device.evict(host.space, address, Page.address(512))).isEqualTo(512);
            for (int i = 0; i < 512; i++) {
                assertThat(device.slotOf(host.view(address + Page.address(i)).frame()))
                        .isEqualTo(device.slotOf(host.view(address).frame()) + i);
            }
            host.check(address, 512, 0);
        }
    }

    @Test
    void aTouchBringsTheBlockHomeThatThePolicyNamesAndNoMore() {
        try (Host host = new Host(256)) {
            StorageDevice device =
                    host.device("ram:4M", StorageOptions.defaults().withFaultAround(FaultAround.fixed(8)));
            long address = host.map(64);
            host.fill(address, 64, 1);
            device.evict(host.space, address, Page.address(64));
            long block = (address + Page.address(27)) & -Page.address(8);
            host.check(block + Page.SIZE, 1, Page.of(block - address) + 2);
            assertThat(host.on(device, address, 64)).isEqualTo(56);
            assertThat(host.on(device, block, 8)).isZero();
            assertThat(device.statistics().pagesFaulted()).isEqualTo(1);
            assertThat(device.statistics().pagesAhead()).isEqualTo(7);
            host.check(address, 64, 1);
        }
    }

    @Test
    void aReaderInSequenceGetsLargerBlocksAndAJumpGetsOnePage() {
        FaultAround policy = FaultAround.adaptive(16);
        try (Host host = new Host(16)) {
            List<Integer> sizes = new ArrayList<>();
            for (long page = 1000; page < 1100; ) {
                int pages = policy.pages(host.space, page);
                sizes.add(pages);
                page = (page & -pages) + pages;
            }
            assertThat(sizes).startsWith(1, 2).contains(4, 8, 16);
            assertThat(policy.pages(host.space, 5_000_000)).isEqualTo(1);
            assertThat(policy.pages(host.space, 1)).isEqualTo(1);
        }
        assertThatThrownBy(() -> FaultAround.fixed(3)).hasMessageContaining("not 3");
    }

    @Test
    void aReaderInSequenceLeavesItsLastBlockBehindOnce() {
        FaultAround policy = FaultAround.adaptive(16);
        try (Host host = new Host(16)) {
            List<Integer> behind = new ArrayList<>();
            for (long page = 1024; page < 1100; ) {
                int pages = policy.pages(host.space, page);
                assertThat(policy.pages(host.space, page))
                        .as("there was no frame yet")
                        .isEqualTo(pages);
                behind.add(policy.arrived(host.space, page));
                page = (page & -pages) + pages;
            }
            assertThat(behind).as("not before it is sure").startsWith(0, 0, 0, 4, 8, 16);
            assertThat(policy.arrived(host.space, 1105)).as("a jump").isZero();
            assertThat(policy.arrived(host.space, 1040))
                    .as("a touch of long ago")
                    .isZero();
            assertThat(policy.pages(host.space, 1040)).isEqualTo(1);
            assertThat(FaultAround.fixed(4).arrived(host.space, 1002)).isZero();
        }
    }

    @Test
    void readersThatTakeTurnsAreToldApart() {
        FaultAround policy = FaultAround.adaptive(16);
        try (Host host = new Host(16)) {
            // As one that merges, or partitions by a key, touches memory.
            long[] readers = {1000, 1100, 1200, 70_000};
            List<Integer> sizes = new ArrayList<>();
            for (int round = 0; round < 8; round++) {
                for (int i = 0; i < readers.length; i++) {
                    int pages = policy.pages(host.space, readers[i]);
                    sizes.add(pages);
                    readers[i] = (readers[i] & -pages) + pages;
                }
            }
            assertThat(sizes).startsWith(1, 1, 1, 1, 2, 2, 2, 2).endsWith(16, 16, 16, 16);
        }
    }

    /** {@return the address of 40 pages on the device} */
    private static long mapOut(Host host, StorageDevice device) {
        long address = host.map(40);
        host.fill(address, 40, 1);
        device.evict(host.space, address, Page.address(40));
        return address;
    }

    /** {@return the address of 40 pages in RAM, which of 64 pages leave less than those need} */
    private static long mapMoreThanRamHasRoomFor(Host host) {
        long address = host.map(40);
        host.fill(address, 40, 100);
        return address;
    }

    private static void checkBoth(Host host, StorageDevice device, long address, long other) {
        host.overflowTo(device);
        host.check(address, 40, 1);
        host.check(other, 40, 100);
    }

    @Test
    void fetchStopsWhereRamEnds() {
        try (Host host = new Host(64)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = mapOut(host, device);
            long other = mapMoreThanRamHasRoomFor(host);
            long came = device.fetch(host.space, address, Page.address(40));
            assertThat(came).isBetween(1L, 30L);
            assertThat(host.on(device, address, 40)).isEqualTo(40 - came);
            assertThatThrownBy(() -> host.check(address, 40, 1)).isInstanceOf(MemoryExhaustedException.class);
            checkBoth(host, device, address, other);
        }
    }

    @Test
    void fetchGoesOnWhereRoomIsMade() {
        try (Host host = new Host(64)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = mapOut(host, device);
            long other = mapMoreThanRamHasRoomFor(host);
            int[] asked = new int[1];
            long came = device.fetch(
                    host.space,
                    address,
                    Page.address(40),
                    // A few at a time, as others want some too.
                    () -> device.evict(host.space, other + Page.address(3L * asked[0]++), Page.address(3)) > 0);
            assertThat(came).isEqualTo(40);
            assertThat(host.on(device, address, 40)).isZero();
            assertThat(asked[0]).isBetween(3, 14);
            checkBoth(host, device, address, other);
        }
    }

    @Test
    void fetchEndsWhereOthersTakeTheRoomThatIsMade() {
        try (Host host = new Host(64)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = mapOut(host, device);
            long other = mapMoreThanRamHasRoomFor(host);
            int[] asked = new int[1];
            long came = device.fetch(host.space, address, Page.address(40), () -> ++asked[0] > 0);
            assertThat(came).isBetween(1L, 30L);
            assertThat(asked[0]).isBetween(2, 100);
            // What came leaves again for what comes: no more than there are pages.
            asked[0] = 0;
            came = device.fetch(
                    host.space,
                    address,
                    Page.address(40),
                    () -> device.evict(host.space, address, Page.address(40)) > 0 && ++asked[0] > 0);
            assertThat(came).isBetween(40L, 80L);
            assertThat(asked[0]).isBetween(1, 100);
            checkBoth(host, device, address, other);
        }
    }

    @Test
    void whoEvictsHearsThatADeviceTakesNoMore() {
        try (Host host = new Host(400)) {
            StorageDevice device = host.device("ram:1M", SINGLE);
            long address = host.map(300);
            host.fill(address, 300, 1);
            int[] refusals = new int[1];
            Runnable refused = () -> refusals[0]++;
            assertThat(device.evict(host.space, address, Page.address(20), refused))
                    .isEqualTo(20);
            assertThat(refusals).containsExactly(0);
            // It has room for some of these.
            assertThat(device.evict(host.space, address, Page.address(300), refused))
                    .isEqualTo(236);
            assertThat(refusals).containsExactly(1);
            assertThat(device.evict(host.space, address, Page.address(300), refused))
                    .isZero();
            assertThat(refusals).containsExactly(2);
            // And nothing is asked of it here.
            assertThat(device.evict(host.space, address, Page.address(20), refused))
                    .isZero();
            assertThat(refusals).containsExactly(2);
            host.check(address, 300, 1);
        }
    }

    @Test
    void theDistanceOfARefaultIsWhatWasEvictedSince() {
        List<Long> distances = new ArrayList<>();
        EvictionClock clock = new EvictionClock();
        try (Host host = new Host(256)) {
            StorageOptions options = SINGLE.withRefaults((_, _, distance) -> distances.add(distance), clock);
            StorageDevice device = host.device("ram:4M", options);
            StorageDevice slower = host.device("ram:4M", options.withName("slower"));
            long address = host.map(100);
            host.fill(address, 100, 1);
            device.evict(host.space, address, Page.address(100));
            assertThat(clock.now()).isEqualTo(100);
            host.check(address + Page.address(99), 1, 100);
            host.check(address, 1, 1);
            assertThat(distances).containsExactly(0L, 99L);
            // A page that was demoted keeps the time at which it left RAM.
            assertThat(device.demoteTo(slower, 98)).isEqualTo(98);
            host.check(address + Page.address(1), 1, 2);
            assertThat(distances).containsExactly(0L, 99L, 98L);
            // A prefetch is no refault.
            slower.fetch(host.space, address, Page.address(100));
            assertThat(distances).hasSize(3);
        }
    }

    @Test
    void demotionTakesWhatCameFirst() {
        try (Host host = new Host(256)) {
            StorageDevice fast = host.device("ram:4M", SINGLE.withName("fast"));
            StorageDevice slow = host.device("ram:4M", SINGLE.withName("slow"));
            long address = host.map(90);
            host.fill(address, 90, 1);
            for (int part : new int[] {60, 0, 30}) {
                fast.evict(host.space, address + Page.address(part), Page.address(30));
            }
            // Those that came home and left again are the youngest.
            host.check(address + Page.address(60), 10, 61);
            fast.evict(host.space, address + Page.address(60), Page.address(10));
            assertThat(fast.demoteTo(slow, 40)).isEqualTo(40);
            assertThat(host.on(slow, address + Page.address(70), 20)).isEqualTo(20);
            assertThat(host.on(slow, address, 20)).isEqualTo(20);
            assertThat(host.on(fast, address + Page.address(60), 10)).isEqualTo(10);
            assertThat(fast.demoteTo(slow, 1000)).isEqualTo(50);
            assertThat(fast.statistics().pagesStored()).isZero();
            assertThat(fast.statistics().pagesDemotedOut()).isEqualTo(90);
            assertThat(slow.statistics().pagesDemotedIn()).isEqualTo(90);
            host.check(address, 90, 1);
            assertThatThrownBy(() -> fast.demoteTo(fast, 1)).hasMessageContaining("another device");
        }
    }

    @Test
    void whatDoesNotFitStaysInRam() {
        try (Host host = new Host(600)) {
            StorageDevice device = host.device("ram:1M", SINGLE);
            long address = host.map(500);
            host.fill(address, 500, 1);
            assertThat(device.evict(host.space, address, Page.address(500))).isEqualTo(256);
            assertThat(device.evict(host.space, address, Page.address(500))).isZero();
            assertThat(device.statistics().fullRefusals()).isPositive();
            assertThat(device.freeSlots()).isZero();
            host.check(address, 500, 1);
        }
    }

    // ---- failing stores ----------------------------------------------------------------------------------------

    private static FaultyStore faulty(Host host) {
        return new FaultyStore(new RamStore("bad", 4 << 20, StoreMemory.of(host.arena)));
    }

    @Test
    void aWriteThatFailsLeavesThePageInRamAndLosesNoSlot() {
        try (Host host = new Host(256)) {
            FaultyStore store = faulty(host);
            StorageDevice device = StorageDevice.add(host.manager, store, SINGLE.withCopies(KeepCopies.NEVER));
            long address = host.map(100);
            host.fill(address, 100, 1);
            store.full.set(40);
            assertThat(device.evict(host.space, address, Page.address(100))).isEqualTo(40);
            store.full.clear();
            store.unwritable.set(60);
            assertThat(device.evict(host.space, address, Page.address(100))).isEqualTo(20);
            assertThat(device.statistics().writeErrors()).isEqualTo(1);
            assertThat(device.statistics().fullRefusals()).isEqualTo(1);
            assertThat(device.freeSlots()).isEqualTo(1024 - 60);
            host.check(address, 100, 1);
            assertThat(device.statistics().bytesStored()).isZero();
        }
    }

    @Test
    void aCorruptPageIsLostWhenTouchedAndItsNeighboursComeHome() {
        try (Host host = new Host(256)) {
            FaultyStore store = faulty(host);
            StorageDevice device = StorageDevice.add(
                    host.manager, store, StorageOptions.defaults().withFaultAround(FaultAround.fixed(64)));
            long address = host.map(64);
            host.fill(address, 64, 1);
            device.evict(host.space, address, Page.address(64));
            int slot = device.slotOf(host.view(address + Page.address(5)).frame());
            store.corrupt.set(slot);
            // A neighbour's touch neither fails nor declares it lost.
            host.check(address, 1, 1);
            assertThat(host.view(address + Page.address(5)).kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
            assertThatThrownBy(() -> host.cpu.loadLong(address + Page.address(5)))
                    .isInstanceOf(LostPageException.class)
                    .hasMessageContaining("bad")
                    .hasMessageContaining("offset 0x" + Long.toHexString(Page.address(slot)));
            store.corrupt.clear();
            assertThatThrownBy(() -> host.cpu.loadLong(address + Page.address(5)))
                    .isInstanceOf(LostPageException.class);
            assertThat(device.statistics().pagesLost()).isEqualTo(1);
            host.check(address, 5, 1);
            host.check(address + Page.address(6), 58, 7);
            host.space.unmap(address, Page.address(64));
            assertThat(device.statistics().pagesStored()).isZero();
        }
    }

    @Test
    void aPageThatCannotBeReadNowCanBeReadLater() {
        try (Host host = new Host(256)) {
            FaultyStore store = faulty(host);
            StorageDevice device = StorageDevice.add(host.manager, store, SINGLE);
            long address = host.map(10);
            host.fill(address, 10, 1);
            device.evict(host.space, address, Page.address(10));
            store.unreadable.set(
                    device.slotOf(host.view(address + Page.address(3)).frame()));
            assertThatThrownBy(() -> host.cpu.loadLong(address + Page.address(3)))
                    .isInstanceOf(LostPageException.class)
                    .hasMessageContaining("bad");
            assertThat(device.fetch(host.space, address, Page.address(10))).isEqualTo(9);
            store.unreadable.clear();
            host.check(address, 10, 1);
            assertThat(device.statistics().pagesLost()).isZero();
            assertThat(device.statistics().readErrors()).isGreaterThanOrEqualTo(2);
        }
    }

    @Test
    void demotionGoesAroundWhatCannotBeRead() {
        try (Host host = new Host(256)) {
            FaultyStore store = faulty(host);
            StorageDevice device = StorageDevice.add(host.manager, store, SINGLE);
            StorageDevice slow = host.device("ram:4M", SINGLE);
            long address = host.map(50);
            host.fill(address, 50, 1);
            device.evict(host.space, address, Page.address(50));
            store.corrupt.set(
                    device.slotOf(host.view(address + Page.address(20)).frame()));
            assertThat(device.demoteTo(slow, 50)).isEqualTo(49);
            store.corrupt.clear();
            assertThat(device.demoteTo(slow, 50)).isEqualTo(1);
            host.check(address, 50, 1);
        }
    }

    @Test
    void aSuccessorFindsThePagesOfItsPredecessor() {
        try (Host before = new Host(256);
                Host after = new Host(256)) {
            StoreMemory kept = new KeptMemory(before.arena);
            long address = before.map(60);
            before.fill(address, 60, 1);
            StorageDevice first = StorageDevices.create(before.manager, "ram:4M", kept, SINGLE);
            first.evict(before.space, address, Page.address(60));
            int[] slots = new int[60];
            for (int i = 0; i < 60; i++) {
                slots[i] = i % 7 == 0
                        ? StorageDevice.NO_SLOT
                        : first.slotOf(before.view(address + Page.address(i)).frame());
            }
            StorageDevice second = StorageDevices.create(after.manager, "ram:4M", kept, SINGLE);
            assertThat(second.recover(slot -> Arrays.stream(slots).anyMatch(s -> s == slot)))
                    .isEqualTo(51);
            long again = after.map(60);
            assertThat(second.restore(after.space, again, slots)).isEqualTo(51);
            for (int i = 0; i < 60; i++) {
                if (i % 7 != 0) {
                    after.check(again + Page.address(i), 1, 1 + i);
                } else {
                    assertThat(after.cpu.loadLong(again + Page.address(i))).isZero();
                }
            }
            assertThat(second.statistics().pagesStored()).isZero();
        }
    }

    @Test
    void whatNamesNoDeviceIsToldWhy() {
        for (String[] wrong : new String[][] {
            {"rom:1G", "no kind 'rom'"},
            {"ram", "size is missing"},
            {"ram:", "'' is not a size"},
            {"ram:1X", "'1X' is not a size"},
            {"ram:9T", "out of range"},
            {"ram:4K", "out of range"},
            {"ram:1048577", "whole number of pages"},
            {"ram:x:1G", "'x' means nothing"},
        }) {
            assertThatThrownBy(() -> StorageSpec.parse(wrong[0]))
                    .as(wrong[0])
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(wrong[0])
                    .hasMessageContaining(wrong[1]);
        }
        assertThat(StorageSpec.parse("ram:64m").bytes()).isEqualTo(64 << 20);
    }
}
