package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.heteromem.core.Cpu;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.StateChecker;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every store promises, for each of them. */
class PageStoresTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    private Path directory;

    private StorageSpec spec(String text) {
        return StorageSpec.parse(text.replace("DIR", directory.toString()));
    }

    private static long seed() {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        System.out.println("storage: -Dheteromem.seed=" + seed);
        return seed;
    }

    private static void write(PageStore store, long page, long number) {
        store.write(Page.address(page), Contents.segment(number), 0, Page.SIZE);
    }

    private static void check(PageStore store, long page, long number) {
        MemorySegment target = MemorySegment.ofArray(new long[Page.SIZE / Long.BYTES]);
        store.read(Page.address(page), target, 0, Page.SIZE);
        assertThat(Contents.same(target, 0, number))
                .as("page %d of %s holds contents %d", page, store.name(), number)
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ram:4M", "compressed:4M", "compressed:zstd:4M", "file:DIR/pages:4M"})
    void randomWritesOverwritesAndDiscardsAreReadBack(String text) {
        SplittableRandom random = new SplittableRandom(seed());
        try (Arena arena = Arena.ofShared();
                PageStore store = spec(text).open("store", StoreMemory.of(arena))) {
            Map<Long, Long> expected = new HashMap<>();
            for (int step = 0; step < 4000; step++) {
                long page = random.nextInt(600);
                if (random.nextInt(4) == 0) {
                    store.discard(Page.address(page), Page.SIZE);
                    expected.remove(page);
                } else {
                    long number = random.nextLong(1 << 30);
                    write(store, page, number);
                    expected.put(page, number);
                }
                long other = random.nextInt(600);
                assertThat(store.holds(Page.address(other))).isEqualTo(expected.containsKey(other));
                if (expected.containsKey(other)) {
                    check(store, other, expected.get(other));
                }
            }
            expected.forEach((page, number) -> check(store, page, number));
            store.discard(0, Page.address(600));
            assertThat(store.bytesUsed()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ram:4M", "compressed:4M", "compressed:zstd:4M", "file:DIR/pages:4M"})
    void aProgramLargerThanRamFindsEveryByteAgain(String text) {
        try (Host host = new Host(64)) {
            StorageDevice device = StorageDevices.create(
                    host.manager, spec(text), StoreMemory.of(host.arena), StorageOptions.defaults());
            host.overflowTo(device);
            long address = host.map(500);
            host.fill(address, 500, 1);
            host.check(address, 500, 1);
            host.fill(address, 500, 8);
            host.check(address, 500, 8);
            assertThat(device.statistics().pagesIn()).isPositive();
            host.space.unmap(address, Page.address(500));
            assertThat(device.statistics().bytesStored()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ram:4M", "compressed:4M", "file:DIR/pages:4M"})
    void severalThreadsFindTheirOwnBytes(String text) throws Exception {
        long seed = seed();
        try (Host host = new Host(96)) {
            StorageDevice device = StorageDevices.create(
                    host.manager,
                    spec(text),
                    StoreMemory.of(host.arena),
                    StorageOptions.defaults().withCopies(KeepCopies.ALWAYS));
            StorageDevice slower =
                    host.device("ram:4M", StorageOptions.defaults().withName("slower"));
            host.overflowTo(device, slower);
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                SplittableRandom random = new SplittableRandom(seed + t);
                threads.add(Thread.ofPlatform().start(() -> {
                    try (Cpu cpu = host.space.newCpu()) {
                        long address = host.map(120);
                        long[] numbers = new long[120];
                        for (int step = 0; step < 1500; step++) {
                            int page = random.nextInt(120);
                            if (numbers[page] == 0 || random.nextBoolean()) {
                                numbers[page] = 1 + random.nextLong(1 << 30);
                                cpu.write(address + Page.address(page), Contents.segment(numbers[page]), 0, Page.SIZE);
                            } else {
                                Host.assertPage(cpu, address + Page.address(page), numbers[page]);
                            }
                            if (step % 100 == 0) {
                                device.evict(host.space, address, Page.address(120));
                            } else if (step % 150 == 0) {
                                device.demoteTo(slower, 50);
                            } else if (step % 170 == 0) {
                                device.fetch(host.space, address, Page.address(20));
                            }
                        }
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failure.get()).isNull();
            StateChecker.assertSound(host.manager);
        }
    }

    @Test
    void whatAFastDeviceCannotHoldGoesOnToSlowerOnes() {
        try (Host host = new Host(64)) {
            StorageOptions options = StorageOptions.defaults();
            StorageDevice fast = host.device("compressed:1M", options);
            StorageDevice middle = host.device("ram:1M", options);
            StorageDevice slow =
                    StorageDevices.create(host.manager, spec("file:DIR/pages:4M"), StoreMemory.of(host.arena), options);
            host.overflowTo(fast, middle, slow);
            long address = host.map(1200);
            host.fill(address, 1200, 5);
            assertThat(host.on(fast, address, 1200)).isPositive();
            assertThat(host.on(middle, address, 1200)).isPositive();
            assertThat(host.on(slow, address, 1200)).isPositive();
            // The first written pages are the farthest away.
            assertThat(host.on(slow, address, 100)).isGreaterThan(host.on(slow, address + Page.address(1100), 100));
            host.check(address, 1200, 5);
            host.check(address, 1200, 5);
        }
    }

    // ---- compressed --------------------------------------------------------------------------------------------

    @Test
    void pagesOfOneWordTakeNoSlotAndRandomOnesAreStoredAsTheyAre() {
        try (Arena arena = Arena.ofShared();
                PageStore store = spec("compressed:1M").open("c", StoreMemory.of(arena))) {
            for (long number = 1; number < 600; number += Contents.KINDS) {
                write(store, number, number);
                write(store, number + 1, number + 1);
            }
            assertThat(store.bytesUsed()).isZero();
            write(store, 0, 0);
            assertThat(store.bytesUsed()).isEqualTo(SlotLayout.slotBytes(SlotLayout.RAW_CLASS));
            // One filled page over another one: also then the old value counts until the new one does.
            write(store, 2, 2 + Contents.KINDS);
            check(store, 2, 2 + Contents.KINDS);
        }
    }

    @Test
    void aFullStoreSaysSoKeepsWhatItHasAndTakesMoreWhenSomethingGoes() {
        try (Host host = new Host(1400)) {
            StorageDevice device =
                    host.device("compressed:2M", StorageOptions.defaults().withCopies(KeepCopies.NEVER));
            long address = host.map(1200);
            for (int i = 0; i < 1200; i++) {
                host.fill(address + Page.address(i), 1, (long) i * Contents.KINDS);
            }
            long went = device.evict(host.space, address, Page.address(1200));
            assertThat(went).isBetween(400L, 512L);
            assertThat(device.statistics().fullRefusals()).isPositive();
            assertThat(device.evict(host.space, address, Page.address(1200))).isZero();
            for (int i = 0; i < 1200; i++) {
                host.check(address + Page.address(i), 1, (long) i * Contents.KINDS);
            }
            assertThat(device.statistics().bytesStored()).isZero();
            assertThat(device.evict(host.space, address, Page.address(1200))).isEqualTo(went);
        }
    }

    @Test
    void damageAnywhereCostsThePageItHitsAndNoOther() {
        long seed = seed();
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 60; round++) {
            try (Arena arena = Arena.ofShared()) {
                KeptMemory kept = new KeptMemory(arena);
                PageStore store = spec("compressed:1M").open("c", kept);
                for (int page = 0; page < 300; page++) {
                    write(store, page, page);
                }
                BitSet damaged = new BitSet();
                for (int hit = 0; hit < 8; hit++) {
                    int page = random.nextInt(300);
                    long at = 4096 + (long) page * Long.BYTES;
                    MemorySegment index = kept.memory("c.index", 4096 + 8192);
                    long word = index.get(ValueLayout.JAVA_LONG, at);
                    // An entry that is damaged already says nothing about a slot.
                    if (random.nextBoolean() || damaged.get(page) || SlotLayout.kind(word) != SlotLayout.SLOT) {
                        index.set(ValueLayout.JAVA_LONG, at, random.nextLong());
                        damaged.set(page);
                    } else {
                        long slot = SlotLayout.offset(word) + random.nextInt(SlotLayout.HEAD + SlotLayout.length(word));
                        MemorySegment slabs = kept.memory("c.slabs", 1 << 20);
                        slabs.set(ValueLayout.JAVA_BYTE, slot, (byte) (slabs.get(ValueLayout.JAVA_BYTE, slot) ^ 0x10));
                        damaged.set(page);
                    }
                }
                if (random.nextBoolean()) {
                    store = spec("compressed:1M").open("c", kept);
                    store.recover(_ -> true);
                }
                for (int page = 0; page < 300; page++) {
                    PageStore opened = store;
                    int at = page;
                    if (damaged.get(page)) {
                        assertThatThrownBy(() -> check(opened, at, at))
                                .as("page %d, seed %d", page, seed)
                                .isInstanceOf(CorruptPageException.class)
                                .hasMessageContaining("device 'c', offset 0x" + Long.toHexString(Page.address(at)));
                    } else {
                        check(store, page, page);
                    }
                }
                // The store goes on, also over what was damaged.
                for (int page = 0; page < 300; page += 3) {
                    store.discard(Page.address(page), Page.SIZE);
                    write(store, page, page + 1000);
                    check(store, page, page + 1000);
                }
            }
        }
    }

    // ---- file --------------------------------------------------------------------------------------------------

    @Test
    void anotherProgramsFileIsNotTouched() throws IOException {
        Path file = directory.resolve("letters");
        Files.writeString(file, "dear diary");
        try (Arena arena = Arena.ofShared()) {
            assertThatThrownBy(() -> spec("file:DIR/letters:1M").open("f", StoreMemory.of(arena)))
                    .isInstanceOf(StorageIoException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("holds something else");
            assertThat(Files.readString(file)).isEqualTo("dear diary");
            assertThatThrownBy(() -> spec("file:DIR/none/pages:1M").open("f", StoreMemory.of(arena)))
                    .hasMessageContaining("directory does not exist");
            assertThatThrownBy(() -> spec("file:DIR:1M").open("f", StoreMemory.of(arena)))
                    .hasMessageContaining("is a directory");
            assertThatThrownBy(() -> spec("file:DIR/large:1T").open("f", StoreMemory.of(Arena.ofAuto())))
                    .hasMessageContaining("make the device smaller");
            PageStore first = spec("file:DIR/pages:1M").open("f", StoreMemory.of(arena));
            assertThatThrownBy(() -> spec("file:DIR/pages:1M").open("g", StoreMemory.of(arena)))
                    .hasMessageContaining("another device of this process");
            first.close();
            spec("file:DIR/pages:1M").open("g", StoreMemory.of(arena)).close();
        }
    }

    /** What is in the file was memory: nobody else may read it, nor have chosen where it is. */
    @Test
    void theFileIsForItsUserAlone() throws IOException {
        Path file = directory.resolve("pages");
        String text = "file:DIR/pages:1M";
        try (Arena arena = Arena.ofShared()) {
            spec(text).open("f", StoreMemory.of(arena)).close();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            spec(text).open("f", StoreMemory.of(arena)).close();
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            assertThatThrownBy(() -> spec(text).open("f", StoreMemory.of(arena)))
                    .isInstanceOf(StorageIoException.class)
                    .hasMessageContaining("others have rights on it");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
            Files.createSymbolicLink(directory.resolve("link"), file);
            assertThatThrownBy(() -> spec("file:DIR/link:1M").open("f", StoreMemory.of(arena)))
                    .isInstanceOf(StorageIoException.class)
                    .hasMessageContaining("symbolic link");
            Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("nowhere"));
            assertThatThrownBy(() -> spec("file:DIR/dangling:1M").open("f", StoreMemory.of(arena)))
                    .isInstanceOf(StorageIoException.class);
            assertThat(directory.resolve("nowhere")).doesNotExist();
        }
    }

    @Test
    void anEmptyFileThatOthersHaveRightsOnIsLeftAlone() throws IOException {
        Path file = Files.createFile(
                directory.resolve("pages"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));
        assertThatThrownBy(() -> spec("file:DIR/pages:1M").open("f", StoreMemory.of(Arena.ofAuto())))
                .isInstanceOf(StorageIoException.class)
                .hasMessageContaining("others have rights on it");
        assertThat(file).isEmptyFile();
    }

    /** Only root can open it at all. */
    @Test
    void aFileOfSomebodyElseIsRefused() throws IOException {
        Path file = directory.resolve("pages");
        spec("file:DIR/pages:1M").open("f", StoreMemory.of(Arena.ofAuto())).close();
        assumeTrue(
                Integer.valueOf(0).equals(Files.getAttribute(file, "unix:uid")),
                "not run: only root can give a file away");
        Files.setAttribute(file, "unix:uid", 65_534);
        assertThatThrownBy(() -> spec("file:DIR/pages:1M").open("f", StoreMemory.of(Arena.ofAuto())))
                .isInstanceOf(StorageIoException.class)
                .hasMessageContaining("belongs to user");
    }

    @Test
    void bytesThatChangedOnTheDiskAreNotTakenForThePage() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            KeptMemory kept = new KeptMemory(arena);
            PageStore store = spec("file:DIR/pages:1M").open("f", kept);
            for (int page = 0; page < 20; page++) {
                write(store, page, page);
            }
            store.close();
            Path file = directory.resolve("pages");
            byte[] bytes = Files.readAllBytes(file);
            bytes[PageFile.FRONT_BYTES + 7 * Page.SIZE + 100] ^= 1;
            Files.write(file, bytes);
            PageStore successor = spec("file:DIR/pages:1M").open("f", kept);
            assertThat(successor.recover(page -> page < 18)).isEqualTo(18);
            for (int page = 0; page < 18; page++) {
                int at = page;
                if (page == 7) {
                    assertThatThrownBy(() -> check(successor, at, at))
                            .isInstanceOf(CorruptPageException.class)
                            .hasMessageContaining("offset 0x7000");
                } else {
                    check(successor, page, page);
                }
            }
            assertThat(successor.holds(Page.address(19))).isFalse();
            assertThatThrownBy(() -> check(successor, 19, 19)).isInstanceOf(CorruptPageException.class);
            successor.close();
        }
    }

    @Test
    void anInterruptedThreadReadsItsPageAndStaysInterrupted() {
        try (Arena arena = Arena.ofShared();
                PageStore store = spec("file:DIR/pages:1M").open("f", StoreMemory.of(arena))) {
            write(store, 3, 3);
            Thread.currentThread().interrupt();
            check(store, 3, 3);
            assertThat(Thread.interrupted()).isTrue();
            write(store, 4, 4);
            check(store, 4, 4);
        }
    }

    /** Runs a command of the system; its exit code. */
    private static int exitCode(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }

    /** Of each descriptor that this process has of a file: whether the system has it open for direct input and output. */
    private static List<Boolean> openDirectly(Path file) throws IOException {
        long direct = "aarch64".equals(System.getProperty("os.arch")) ? 1L << 16 : 1L << 14;
        Path real = file.toRealPath();
        List<Boolean> found = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (Path one : all.toList()) {
                try {
                    if (Files.readSymbolicLink(one).equals(real)) {
                        Path about = Path.of("/proc/self/fdinfo").resolve(one.getFileName());
                        String flags = Files.readAllLines(about).stream()
                                .filter(line -> line.startsWith("flags:"))
                                .findFirst()
                                .orElseThrow()
                                .replaceAll("[^0-7]", "");
                        found.add((Long.parseLong(flags, 8) & direct) != 0);
                    }
                } catch (NoSuchFileException _) {
                    // Closed meanwhile, such as the one by which they are listed.
                }
            }
        }
        return found;
    }

    /** They were in RAM a moment ago and had to leave it: the system shall keep no copy of them there. */
    @Test
    void pagesPassTheSystemsCacheByWhereTheFileSystemKnowsHow() throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/proc/self/fdinfo")), "not run: only Linux tells how a file is open");
        String probe = "of=" + directory.resolve("probe");
        assumeTrue(
                exitCode("dd", "if=/dev/zero", probe, "bs=4096", "count=1", "oflag=direct") == 0
                        && Files.getFileStore(directory).getBlockSize() <= PageStore.ALIGNMENT,
                "not run: the file system of temporary files does no direct input and output of single pages");
        Path file = directory.resolve("pages");
        try (Arena arena = Arena.ofShared();
                PageStore store = spec("file:DIR/pages:1M").open("f", StoreMemory.of(arena))) {
            assertThat(store.description()).contains("direct input and output").doesNotContain("buffered");
            assertThat(openDirectly(file)).containsExactly(true);
            // From the heap, from where a page may be written from at once, and from where it may not.
            write(store, 0, 0);
            MemorySegment aligned = arena.allocate(Page.SIZE, PageStore.ALIGNMENT);
            store.write(Page.address(1), aligned.copyFrom(Contents.segment(6)), 0, Page.SIZE);
            MemorySegment odd =
                    arena.allocate(Page.SIZE + Long.BYTES, PageStore.ALIGNMENT).asSlice(Long.BYTES);
            store.write(Page.address(2), odd.copyFrom(Contents.segment(12)), 0, Page.SIZE);
            check(store, 0, 0);
            store.read(Page.address(2), aligned, 0, Page.SIZE);
            assertThat(Contents.same(aligned, 0, 12)).isTrue();
            store.read(Page.address(1), odd, 0, Page.SIZE);
            assertThat(Contents.same(odd, 0, 6)).isTrue();
            MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
            for (int page = 0; page < 3; page++) {
                assertThat(Contents.same(bytes, PageFile.FRONT_BYTES + Page.address(page), 6L * page))
                        .as("page %d is in the file", page)
                        .isTrue();
            }
            // An interrupt closes the channel; the next one is as it was.
            Thread.currentThread().interrupt();
            check(store, 1, 6);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(openDirectly(file)).containsExactly(true);
        }
    }

    /** A process that sees a disk of its own: writes pages to a file there, reads them back, says how it did that. */
    static final class OnADisk {
        private OnADisk() {}

        static void main(String[] arguments) {
            try (Arena arena = Arena.ofShared();
                    PageStore store =
                            StorageSpec.parse("file:" + arguments[0] + ":1M").open("f", StoreMemory.of(arena))) {
                for (int page = 0; page < 100; page++) {
                    write(store, page, page);
                }
                for (int page = 0; page < 100; page++) {
                    check(store, page, page);
                }
                System.out.println(store.description());
            }
        }
    }

    /** A file system in memory alone, which refuses; as root, since nobody else can have one. */
    @Test
    void pagesGoThroughTheSystemsCacheWhereTheFileSystemRefuses() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        assumeTrue(
                exitCode("unshare", "--mount", "mount", "-t", "ramfs", "none", disk.toString()) == 0,
                "not run: this system lets nobody mount a disk of his own");
        // It says that it has no room, so the file must have its length already.
        spec("file:DIR/pages:1M").open("f", StoreMemory.of(Arena.ofAuto())).close();
        Process process = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount -t ramfs none \"$1\" && cp -p \"$2\" \"$1\" && shift 2 && exec \"$@\"",
                        "sh",
                        disk.toString(),
                        directory.resolve("pages").toString(),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        OnADisk.class.getName(),
                        disk.resolve("pages").toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).contains(disk.resolve("pages") + ", buffered by the system");
        assertThat(disk).isEmptyDirectory();
    }

    /** An interrupt closes the channel, and the file is opened again by its name. */
    @Test
    void anotherFileOfTheSameNameIsNotTakenForTheOwn() throws IOException {
        Path file = directory.resolve("pages");
        try (Arena arena = Arena.ofShared();
                PageStore store = spec("file:DIR/pages:1M").open("f", StoreMemory.of(arena))) {
            write(store, 3, 3);
            Files.move(file, directory.resolve("moved"));
            Files.createFile(file);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> write(store, 4, 4)).isInstanceOf(StorageIoException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(file).isEmptyFile();
            Files.move(directory.resolve("moved"), file, StandardCopyOption.REPLACE_EXISTING);
            check(store, 3, 3);
        }
    }

    @Test
    void aDiskThatFillsUpLeavesPagesInRamAndAFailingOneLosesNoneThatItCanRead() {
        try (Host host = new Host(256)) {
            FailingMedium medium = new FailingMedium(2 << 20);
            FileStore store = new FileStore(
                    "f", medium, "a failing disk", 1 << 20, StoreMemory.of(host.arena), new StorageBuffers());
            StorageDevice device = StorageDevice.add(
                    host.manager, store, StorageOptions.defaults().withFaultAround(FaultAround.fixed(16)));
            long address = host.map(100);
            host.fill(address, 100, 1);
            medium.writeError = "No space left on device";
            assertThat(device.evict(host.space, address, Page.address(100))).isZero();
            assertThat(device.statistics().fullRefusals()).isEqualTo(1);
            medium.writeError = "Input/output error";
            assertThat(device.evict(host.space, address, Page.address(100))).isZero();
            assertThat(device.statistics().writeErrors()).isEqualTo(1);
            assertThatThrownBy(() -> write(store, 9, 9))
                    .isInstanceOf(StorageIoException.class)
                    .hasMessageContaining("a failing disk")
                    .hasMessageContaining("Input/output error");
            medium.writeError = "";
            assertThat(device.evict(host.space, address, Page.address(100))).isEqualTo(100);
            medium.readError = "Input/output error";
            assertThatThrownBy(() -> host.cpu.loadLong(address)).hasMessageContaining("'f'");
            medium.readError = "";
            host.check(address, 100, 1);
        }
    }
}
