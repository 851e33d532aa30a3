package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages that went home and whose copy has stayed: nothing is copied as long as nothing is written, and never a stale byte. */
class CopiesTest {
    private static final StorageOptions SINGLE =
            StorageOptions.defaults().withFaultAround(FaultAround.fixed(1)).withCopies(KeepCopies.ALWAYS);

    private static long bytes(int pages) {
        return Page.address(pages);
    }

    private static StorageDevice small(Host host, int pages) {
        return StorageDevice.add(host.manager, new RamStore("small", bytes(pages), StoreMemory.of(host.arena)), SINGLE);
    }

    /** Pages with contents from 1 on that went to a device of their own and were read since, so that each has a copy there. */
    private static final class CleanPages implements AutoCloseable {
        final Host host = new Host(256);
        final StorageDevice device;
        final long address;
        private final int pages;

        CleanPages(int pages, StorageOptions options) {
            this.pages = pages;
            device = host.device("ram:4M", options);
            address = host.map(pages);
            host.fill(address, pages, 1);
            evict();
            host.check(address, pages, 1);
        }

        CleanPages(int pages) {
            this(pages, SINGLE);
        }

        long at(int page) {
            return address + Page.address(page);
        }

        long evict() {
            return device.evict(host.space, address, bytes(pages));
        }

        @Override
        public void close() {
            host.close();
        }
    }

    /** What a device knows of copies. */
    private static String copies(StorageDevice device) {
        StorageStatistics now = device.statistics();
        return now.copies() + " of " + now.copiesKept() + ", " + now.copiesUsed() + " used";
    }

    @ParameterizedTest
    @ValueSource(strings = {"ram:4M", "compressed:4M", "file:DIR/pages:4M"})
    void aPageThatWasOnlyReadLeavesWithoutBeingWritten(String spec, @TempDir Path directory) {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device(spec.replace("DIR", directory.toString()), SINGLE);
            long address = host.map(64);
            host.fill(address, 64, 1);
            assertThat(device.evict(host.space, address, bytes(64))).isEqualTo(64);
            for (int round = 1; round <= 3; round++) {
                host.check(address, 64, 1);
                assertThat(copies(device)).isEqualTo("64 of " + 64 * round + ", " + 64 * (round - 1) + " used");
                assertThat(device.statistics().pagesStored()).isZero();
                assertThat(host.view(address).kind()).isEqualTo(PageKind.PRESENT);
                StateChecker.assertSound(host.manager);
                assertThat(device.evict(host.space, address, bytes(64))).isEqualTo(64);
                StateChecker.assertSound(host.manager);
            }
            assertThat(device.statistics().pagesStored()).isEqualTo(64);
            host.check(address, 64, 1);
            host.space.unmap(address, bytes(64));
            assertThat(device.freeSlots()).isEqualTo((int) device.memory().frames());
        }
    }

    @Test
    void aStoreEndsTheCopyBeforeItGoesThrough() {
        try (CleanPages clean = new CleanPages(10)) {
            clean.host.cpu.storeLong(clean.at(3) + 8, 42);
            assertThat(copies(clean.device)).isEqualTo("9 of 10, 0 used");
            StateChecker.assertSound(clean.host.manager);
            assertThat(clean.evict()).isEqualTo(10);
            assertThat(clean.device.statistics().copiesUsed()).isEqualTo(9);
            assertThat(clean.host.cpu.loadLong(clean.at(3) + 8)).isEqualTo(42);
            clean.host.check(clean.address, 3, 1);
            clean.host.check(clean.at(4), 6, 5);
        }
    }

    @Test
    void aPageThatComesHomeToBeWrittenLeavesNoCopy() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = host.map(4);
            host.fill(address, 4, 1);
            device.evict(host.space, address, bytes(4));
            host.fill(address, 4, 11);
            assertThat(copies(device)).isEqualTo("0 of 0, 0 used");
        }
    }

    @Test
    void afterItCameBackToItsCopyAPageIsAsWritableAsBefore() {
        try (CleanPages clean = new CleanPages(4)) {
            clean.evict();
            assertThat(clean.device.statistics().copiesUsed()).isEqualTo(4);
            assertThat(clean.host.view(clean.address).writable()).isTrue();
            clean.host.fill(clean.address, 4, 11);
            clean.host.check(clean.address, 4, 11);
        }
    }

    @Test
    void aPrefetchedPageLeavesACopyToo() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("compressed:4M", SINGLE);
            long address = host.map(64);
            host.fill(address, 64, 1);
            device.evict(host.space, address, bytes(64));
            assertThat(device.fetch(host.space, address, bytes(64))).isEqualTo(64);
            assertThat(copies(device)).isEqualTo("64 of 64, 0 used");
            host.check(address, 64, 1);
        }
    }

    @Test
    void copiesMakeRoomForPagesThatHaveNone() {
        try (Host host = new Host(400)) {
            StorageDevice device = small(host, 128);
            long first = host.map(128);
            host.fill(first, 128, 1);
            assertThat(device.evict(host.space, first, bytes(128))).isEqualTo(128);
            host.check(first, 128, 1);
            long second = host.map(128);
            host.fill(second, 128, 1000);
            assertThat(device.evict(host.space, second, bytes(100))).isEqualTo(100);
            assertThat(device.statistics().copiesDropped()).isEqualTo(100);
            // The oldest went.
            assertThat(device.evict(host.space, first, bytes(128))).isEqualTo(28);
            host.check(first, 128, 1);
            host.check(second, 128, 1000);
        }
    }

    @Test
    void aFullStoreGivesUpCopiesFirst() {
        try (Host host = new Host(1400)) {
            StorageDevice device = host.device("compressed:2M", SINGLE);
            long address = host.map(1200);
            for (int i = 0; i < 1200; i++) {
                host.fill(address + Page.address(i), 1, (long) i * Contents.KINDS);
            }
            long went = device.evict(host.space, address, bytes(1200));
            host.check(address, 1, 0);
            for (int i = 1; i < went; i++) {
                host.check(address + Page.address(i), 1, (long) i * Contents.KINDS);
            }
            assertThat(device.statistics().copies()).isEqualTo(went);
            assertThat(device.evict(host.space, address + bytes(600), bytes(600)))
                    .isGreaterThan(went - 70);
            assertThat(device.statistics().copiesDropped()).isPositive();
            for (int i = 0; i < 1200; i++) {
                host.check(address + Page.address(i), 1, (long) i * Contents.KINDS);
            }
        }
    }

    @Test
    void aCopyOnAnotherDeviceIsGivenUp() {
        try (Host host = new Host(256)) {
            StorageDevice one = host.device("ram:4M", SINGLE);
            StorageDevice other = host.device("compressed:4M", SINGLE);
            long address = host.map(10);
            host.fill(address, 10, 1);
            one.evict(host.space, address, bytes(10));
            host.check(address, 10, 1);
            assertThat(other.evict(host.space, address, bytes(10))).isEqualTo(10);
            assertThat(one.freeSlots()).isEqualTo((int) one.memory().frames());
            host.check(address, 10, 1);
            assertThat(copies(other)).isEqualTo("10 of 10, 0 used");
        }
    }

    /** Whoever of them stores first would have to know of the copy, and so would the last of them, who owns the page alone. */
    @Test
    void aPageOfSeveralProcessesComesHomeWithoutACopy() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = host.map(4);
            host.fill(address, 4, 1);
            assertThat(device.evict(host.space, address, bytes(4))).isEqualTo(4);
            AddressSpace child = host.space.fork();
            try (Cpu cpu = child.newCpu()) {
                host.check(address, 4, 1);
                assertThat(copies(device)).isEqualTo("0 of 0, 0 used");
                cpu.storeLong(address, 7);
                host.check(address, 4, 1);
                StateChecker.assertSound(host.manager);
            }
            child.exit();
        }
    }

    @Test
    void aChildSharesThePageAndItsCopy() {
        try (CleanPages clean = new CleanPages(4)) {
            AddressSpace child = clean.host.space.fork();
            try (Cpu cpu = child.newCpu()) {
                StateChecker.assertSound(clean.host.manager);
                cpu.storeLong(clean.address, 7);
                assertThat(clean.host.cpu.loadLong(clean.address)).isNotEqualTo(7);
                clean.host.cpu.storeLong(clean.at(1), 8);
                Host.assertPage(cpu, clean.at(1), 2);
                StateChecker.assertSound(clean.host.manager);
                clean.evict();
                StateChecker.assertSound(clean.host.manager);
                assertThat(cpu.loadLong(clean.address)).isEqualTo(7);
                Host.assertPage(cpu, clean.at(1), 2);
                Host.assertPage(cpu, clean.at(2), 3);
                clean.host.cpu.storeLong(clean.at(2), 9);
                Host.assertPage(cpu, clean.at(2), 3);
            }
            child.exit();
            clean.host.check(clean.address, 1, 1);
            clean.host.check(clean.at(3), 1, 4);
            // Alone again: the first store makes it the parent's own.
            clean.host.cpu.storeLong(clean.at(3), 5);
            StateChecker.assertSound(clean.host.manager);
        }
    }

    @Test
    void rightsThatAreGivenBackDoNotReachACopy() {
        try (CleanPages clean = new CleanPages(4)) {
            clean.host.space.protect(clean.address, bytes(4), Protection.READ);
            clean.host.space.protect(clean.address, bytes(4), Protection.READ_WRITE);
            StateChecker.assertSound(clean.host.manager);
            clean.host.cpu.storeLong(clean.address, 5);
            assertThat(copies(clean.device)).isEqualTo("3 of 4, 0 used");
            clean.evict();
            assertThat(clean.host.cpu.loadLong(clean.address)).isEqualTo(5);
            clean.host.check(clean.at(1), 3, 2);
        }
    }

    @Test
    void aPinToWriteEndsTheCopyAndOneToReadDoesNot() {
        try (CleanPages clean = new CleanPages(4)) {
            try (PageReferences _ = Pins.pinLongTerm(clean.host.space, clean.address, 2, Access.READ)) {
                assertThat(clean.device.statistics().copies()).isEqualTo(4);
                assertThat(clean.device.evict(clean.host.space, clean.address, bytes(2)))
                        .isZero();
                clean.host.cpu.storeLong(clean.address + 8, 3);
            }
            try (PageReferences _ = Pins.pinLongTerm(clean.host.space, clean.at(2), 2, Access.WRITE)) {
                assertThat(clean.device.statistics().copies()).isEqualTo(1);
            }
            StateChecker.assertSound(clean.host.manager);
            clean.evict();
            assertThat(clean.host.cpu.loadLong(clean.address + 8)).isEqualTo(3);
            clean.host.check(clean.at(1), 3, 2);
        }
    }

    @Test
    void whatIsThrownAwayHasNoCopyEither() {
        try (CleanPages clean = new CleanPages(4)) {
            clean.host.space.advise(clean.address, bytes(2), Advice.DONTNEED);
            assertThat(clean.device.statistics().copies()).isEqualTo(2);
            assertThat(clean.host.cpu.loadLong(clean.address)).isZero();
            clean.host.space.unmap(clean.address, bytes(4));
            assertThat(clean.device.freeSlots())
                    .isEqualTo((int) clean.device.memory().frames());
        }
    }

    @Test
    void aDeviceCanGoWhileThereAreCopiesOnIt() {
        try (CleanPages clean = new CleanPages(4)) {
            assertThat(clean.device.statistics().copies()).isEqualTo(4);
            clean.host.manager.removeDevice(clean.device.memory());
            StateChecker.assertSound(clean.host.manager);
            clean.host.check(clean.address, 4, 1);
            clean.host.fill(clean.address, 4, 2);
            clean.host.check(clean.address, 4, 2);
        }
    }

    @Test
    void pagesThatAreWrittenSoonTeachADeviceToKeepNone() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE.withCopies(KeepCopies.LEARNING));
            long address = host.map(100);
            host.fill(address, 100, 1);
            for (int round = 0; round < 50; round++) {
                device.evict(host.space, address, bytes(100));
                for (int i = 0; i < 100; i++) {
                    long at = address + Page.address(i);
                    host.cpu.storeLong(at, host.cpu.loadLong(at) + 1);
                }
            }
            assertThat(device.statistics().copiesKept()).isLessThan(1000);
            for (int round = 0; round < 200; round++) {
                device.evict(host.space, address, bytes(100));
                for (int i = 0; i < 100; i++) {
                    host.cpu.loadLong(address + Page.address(i));
                }
            }
            assertThat(device.statistics().copiesUsed()).isGreaterThan(10_000);
        }
    }

    @Test
    void nobodyKeepsAnythingWhoIsToldNotTo() {
        try (CleanPages clean = new CleanPages(4, SINGLE.withCopies(KeepCopies.NEVER))) {
            assertThat(copies(clean.device)).isEqualTo("0 of 0, 0 used");
        }
    }

    @Test
    void onlyAPageThatComesFromADeviceLeavesACopyThere() {
        try (Host host = new Host(256)) {
            StorageDevice device = host.device("ram:4M", SINGLE);
            long address = host.map(4);
            host.fill(address, 4, 1);
            try (Migration migration =
                    Migration.setup(host.space, address, bytes(2), Set.of(Migration.Select.SYSTEM), device)) {
                migration.allocateRam(0);
                assertThat(migration.keepSource(0)).isFalse();
                assertThat(migration.keepSource(1)).isFalse();
                assertThat(migration.reuseCopy(1, device.memory())).isZero();
            }
            assertThat(device.memory().dropCopy(device.memory().firstFrame())).isFalse();
            assertThatThrownBy(() -> device.memory().isCopy(1)).isInstanceOf(MemoryException.class);
        }
    }

    // ---- at random ---------------------------------------------------------------------------------------------

    /** One thread does what it likes; after every step all is sound, and in the end every byte is right. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whateverIsDoneEveryByteIsRight(boolean homed) {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        System.out.println("copies: -Dheteromem.seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        int pages = 48;
        try (Host host = new Host(128)) {
            StorageDevice fast = small(host, 32);
            StorageDevice slow = host.device("compressed:4M", SINGLE);
            long address = homed ? 16L << 30 : host.map(pages);
            if (homed) {
                // Nobody makes room here: the reserve must be left when all pages but one are at home.
                FrameBudget budget = new FrameBudget(pages + 2, 2);
                HomedMemory memory = host.manager.addHomedMemory("home", new ArenaStore(bytes(pages)), budget);
                host.space.mapHomed(address, memory, Protection.READ_WRITE);
            }
            long[] numbers = new long[pages];
            for (int step = 0; step < 4000; step++) {
                int at = random.nextInt(pages);
                int count = 1 + random.nextInt(Math.min(8, pages - at));
                long here = address + Page.address(at);
                switch (random.nextInt(9)) {
                    case 0 -> {
                        for (int i = 0; i < count; i++) {
                            numbers[at + i] = 1 + random.nextLong(1000);
                            host.fill(here + Page.address(i), 1, numbers[at + i]);
                        }
                    }
                    case 1, 2, 3 -> {
                        for (int i = 0; i < count; i++) {
                            if (numbers[at + i] != 0) {
                                host.check(here + Page.address(i), 1, numbers[at + i]);
                            }
                        }
                    }
                    case 4 -> fast.evict(host.space, here, bytes(count));
                    case 5 -> slow.evict(host.space, here, bytes(count));
                    case 6 -> fast.demoteTo(slow, count);
                    case 7 -> (random.nextBoolean() ? fast : slow).fetch(host.space, here, bytes(count));
                    default -> {
                        if (random.nextInt(8) == 0) {
                            host.space.advise(here, bytes(count), Advice.DONTNEED);
                            Arrays.fill(numbers, at, at + count, 0);
                        } else {
                            (random.nextBoolean() ? fast : slow).dropCopies(count);
                        }
                    }
                }
                StateChecker.assertSound(host.manager);
            }
            for (int i = 0; i < pages; i++) {
                if (numbers[i] != 0) {
                    host.check(address + Page.address(i), 1, numbers[i]);
                }
            }
            assertThat(fast.statistics().copiesUsed() + slow.statistics().copiesUsed())
                    .isPositive();
        }
    }
}
