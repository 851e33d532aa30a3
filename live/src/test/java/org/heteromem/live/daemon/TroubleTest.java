package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.live.keeper.KeeperMain;
import org.heteromem.live.natives.Processes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices that are full, fail, or lose what they hold; daemons that cannot start. Never a wrong byte, never a hang. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TroubleTest {
    private static final int KILLED = 128 + 9;
    private static final long RAM = 1 << 20;
    private static final long PAGE = 4096;
    private static final Pattern LIMIT = Pattern.compile(".* of ([0-9]+) bytes of RAM and overflow.*");

    @TempDir
    private Path directory;

    private final Queue<String> log = new ConcurrentLinkedQueue<>();
    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void leaveNobodyBehind() {
        started.forEach(Process::destroyForcibly);
    }

    private Told told() throws IOException {
        Told client = new Told(directory.resolve("s"), RAM, () -> String.join("\n", log));
        started.add(client.process);
        return client;
    }

    /** What a test does with a daemon. */
    private interface Body {
        void run(Daemon daemon) throws IOException, InterruptedException;
    }

    private void with(DaemonOptions.OnLoss onLoss, List<String> overflow, Body body)
            throws IOException, InterruptedException {
        DaemonOptions options = new DaemonOptions(directory.resolve("s"), 8 * RAM, RAM, overflow, onLoss, 0);
        Thread serving;
        try (Daemon daemon = new Daemon(options, log::add)) {
            serving = Thread.ofPlatform().start(daemon::run);
            body.run(daemon);
            started.forEach(Process::destroyForcibly);
            while (!daemon.sessions().isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            assertThat(StateChecker.check(daemon.manager())).isEmpty();
            assertThat(daemon.manager().devices()).isEmpty();
            assertThat(daemon.status().subjects().getFirst().counters()).containsEntry("ram.granted", 0L);
            assertThat(log).noneMatch(line -> line.contains("Exception"));
        }
        serving.join();
    }

    private static StorageDevice device(Daemon daemon, int i) {
        return (StorageDevice) daemon.manager().devices().get(i).owner();
    }

    private String file() {
        return "file:" + directory.resolve("overflow") + ":8M";
    }

    // ---- gone --------------------------------------------------------------------------------------------------

    /** A daemon serves for months: of a client that has left nothing may stay, and of its file no descriptor. */
    @ParameterizedTest
    @ValueSource(strings = {"ram:2M", "compressed:2M", "FILE"})
    void nothingIsLeftOfAClientThatIsGone(String overflow) throws IOException, InterruptedException {
        List<WeakReference<Object>> parts = new ArrayList<>();
        // This process has been a client too, in other tests, and what of that is left may go meanwhile.
        System.gc();
        long before = openOfClients();
        with(DaemonOptions.OnLoss.KILL, List.of(overflow.replace("FILE", file())), daemon -> {
            Told client = told();
            client.expect("done", "memory " + 2 * RAM);
            client.expect("done", "write 0 400 1");
            client.expect("right", "check 0 400 1");
            parts.addAll(partsOf(daemon));
            assertThat(openOfClients()).isGreaterThan(before);
            assertThat(client.leave()).isZero();
            while (!daemon.sessions().isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            assertThat(openOfClients()).isLessThanOrEqualTo(before);
            for (int tries = 0; parts.stream().anyMatch(part -> part.get() != null); tries++) {
                assertThat(tries)
                        .as(
                                "looked for what is left: %s",
                                parts.stream().map(WeakReference::get).toList())
                        .isLessThan(200);
                System.gc();
                TimeUnit.MILLISECONDS.sleep(20);
            }
        });
        assertThat(parts).hasSize(4);
    }

    private static List<WeakReference<Object>> partsOf(Daemon daemon) {
        ClientSession session = daemon.sessions().getFirst();
        StorageDevice device = device(daemon, 0);
        return List.of(
                new WeakReference<>(session),
                new WeakReference<>(session.memory()),
                new WeakReference<>(device),
                new WeakReference<>(device.store()));
    }

    /** Memory of a client, what is written down of it, or the file of a device. */
    private static boolean isOfAClient(String file) {
        return file.matches("/memfd:heteromem-\\d.*|.*/overflow\\.\\d.*");
    }

    /** How much of that this process has open. */
    private static long openOfClients() throws IOException {
        long files = 0;
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (Path one : all.toList()) {
                try {
                    files += isOfAClient(Files.readSymbolicLink(one).toString()) ? 1 : 0;
                } catch (NoSuchFileException _) {
                    // Closed meanwhile, such as the one by which they are listed.
                }
            }
        }
        return files;
    }

    // ---- full --------------------------------------------------------------------------------------------------

    /** Also of contents that do not compress, written in any order. */
    @ParameterizedTest
    @ValueSource(strings = {"ram:2M", "compressed:4M", "compressed:2M ram:2M", "ram:1M compressed:1M ram:1M", "FILE"})
    void whatIsPromisedFits(String overflow) throws IOException, InterruptedException {
        List<String> devices = List.of(overflow.replace("FILE", file()).split(" "));
        with(DaemonOptions.OnLoss.KILL, devices, daemon -> {
            Told client = told();
            client.expect("done", "memory " + (16 << 20));
            String refusal = client.tell("allocate " + (16 << 20));
            Matcher limit = LIMIT.matcher(refusal);
            assertThat(limit.matches()).as(refusal).isTrue();
            assertThat(refusal).contains("larger overflow");
            long bytes = Long.parseLong(limit.group(1)) / PAGE * PAGE;
            long pages = bytes / PAGE;
            client.expect("done", "allocate " + bytes);
            client.expect("refused", "allocate " + (bytes + PAGE));
            for (int salt = 0; salt < 4; salt++) {
                client.expect("done", "write 0 " + pages + " " + salt);
                client.expect("right", "check 0 " + pages + " " + salt);
            }
            // Half of it again, so that each kind of contents lies between the others.
            client.expect("done", "write 0 " + pages / 2 + " 0");
            client.expect("right", "check 0 " + pages / 2 + " 0");
            client.expect("right", "check " + pages / 2 + " " + pages + " 3");
            client.expect("done", "free " + bytes);
            client.expect("right", "zero 0 " + pages / 4);
            assertThat(client.leave()).isZero();
        });
    }

    @Test
    void aClientThatTakesMoreThanThereIsIsEnded() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.KILL, List.of("compressed:1M", "ram:1M"), daemon -> {
            Told client = told();
            Told other = told();
            other.expect("done", "memory " + 2 * RAM);
            other.expect("done", "write 0 400 1");
            client.expect("done", "memory " + (16 << 20));
            client.expect("null", "write 0 4096 1");
            assertThat(client.leave()).isEqualTo(KILLED);
            assertThat(log).anyMatch(line -> line.contains("LOST") && line.contains("larger overflow"));
            other.expect("right", "check 0 400 1");
        });
    }

    @Test
    void aTouchThatFindsNoRoomFailsIfThatIsWanted() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.THROW, List.of("ram:1M"), daemon -> {
            Told client = told();
            client.expect("done", "memory " + (16 << 20));
            client.expect("done", "write 0 500 1");
            client.expect("right", "zero 500 504");
            client.expect("failed touches: ", "touch 504 520");
            client.expect("failed touches: 50", "touch 520 570");
            client.expect("failed touches: 50", "touch 520 570");
            client.expect("right", "check 0 500 1");
            client.expect("done", "free " + (16 << 20));
            client.expect("right", "zero 0 500");
            client.expect("done", "free " + (16 << 20));
            client.expect("right", "zero 500 600");
        });
    }

    @Test
    void whatHasBeenOutLongestGoesToTheSlowerDevice() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.KILL, List.of("compressed:2M", "ram:32M"), daemon -> {
            Told client = told();
            client.expect("done", "memory " + (16 << 20));
            client.expect("done", "allocate " + (16 << 20));
            client.expect("done", "write 0 4096 1");
            StorageDevice fast = device(daemon, 0);
            StorageDevice slow = device(daemon, 1);
            assertThat(fast.statistics().pagesDemotedOut()).isGreaterThan(2000);
            assertThat(slow.statistics().pagesDemotedIn())
                    .isEqualTo(fast.statistics().pagesDemotedOut());
            // The last that left RAM lie on the fast one, the first on the slow one.
            long before = slow.statistics().pagesIn();
            client.expect("right", "check 3700 3800 1");
            assertThat(slow.statistics().pagesIn()).isEqualTo(before);
            client.expect("right", "check 0 100 1");
            assertThat(slow.statistics().pagesIn()).isGreaterThan(before);
            client.expect("right", "check 0 4096 1");
            assertThat(client.leave()).isZero();
        });
    }

    // ---- lost --------------------------------------------------------------------------------------------------

    private static Path fileOf(Daemon daemon) {
        return daemon.sessions().getFirst().memory().overflowFiles().own().getFirst();
    }

    /** Flips a bit in every page of the file that holds something, or in the first only. */
    static int damage(Path file, int most) throws IOException {
        int damaged = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(8);
            for (long at = PAGE; at < channel.size() && damaged < most; at += PAGE) {
                channel.read(one.clear(), at + 800);
                if (one.getLong(0) != 0) {
                    one.put(0, (byte) (one.get(0) ^ 4));
                    channel.write(one.clear(), at + 800);
                    damaged++;
                }
            }
            channel.force(true);
        }
        return damaged;
    }

    @Test
    void aDamagedPageEndsItsClientAndNoOther() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.KILL, List.of(file()), daemon -> {
            Told client = told();
            client.expect("done", "memory " + 2 * RAM);
            client.expect("done", "write 0 512 1");
            client.expect("done", "evict 0 512");
            Path file = fileOf(daemon);
            Told other = told();
            assertThat(other.welcome).isEqualTo("welcome");
            other.expect("done", "memory " + 2 * RAM);
            other.expect("done", "write 0 512 2");
            assertThat(damage(file, Integer.MAX_VALUE)).isGreaterThanOrEqualTo(256);
            client.expect("null", "check 0 512 1");
            assertThat(client.leave()).isEqualTo(KILLED);
            assertThat(log)
                    .anyMatch(line -> line.contains("LOST")
                            && line.contains("region 0")
                            && line.contains("offset 0, ")
                            && line.contains("device 'file'"));
            other.expect("right", "check 0 512 2");
            assertThat(other.leave()).isZero();
            assertThat(file).doesNotExist();
        });
    }

    @Test
    void aDamagedPageFailsItsTouchIfThatIsWantedAndCanBeFreed() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.THROW, List.of(file()), daemon -> {
            Told client = told();
            client.expect("done", "memory " + 2 * RAM);
            client.expect("done", "write 0 512 1");
            client.expect("done", "evict 0 512");
            assertThat(damage(fileOf(daemon), 1)).isOne();
            client.expect("failed touches: 1", "check 0 512 1");
            client.expect("failed touches: 1", "check 0 512 1");
            client.expect("done", "free " + 2 * RAM);
            client.expect("right", "zero 0 512");
            client.expect("done", "write 0 512 2");
            client.expect("right", "check 0 512 2");
            assertThat(client.leave()).isZero();
        });
    }

    @Test
    void aDamagedCompressedPageIsNeverRead() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.THROW, List.of("compressed:8M"), daemon -> {
            Told client = told();
            client.expect("done", "memory " + 2 * RAM);
            client.expect("done", "write 0 512 1");
            client.expect("done", "evict 0 512");
            MemorySegment slabs =
                    daemon.sessions().getFirst().memory().durable().memory("compressed.slabs", 8 << 20);
            for (long at = 5000; at < 1 << 20; at += 50_000) {
                slabs.set(JAVA_BYTE, at, (byte) (slabs.get(JAVA_BYTE, at) ^ 1));
            }
            client.expect("failed touches: 21", "check 0 512 1");
            assertThat(client.leave()).isZero();
        });
    }

    @Test
    void aFileThatIsCutShortLosesWhatItHeldAndNothingElse() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.THROW, List.of(file()), daemon -> {
            Told client = told();
            client.expect("done", "memory " + 2 * RAM);
            client.expect("done", "write 0 512 1");
            client.expect("done", "evict 0 100");
            client.expect("right", "check 400 512 1");
            try (FileChannel channel = FileChannel.open(fileOf(daemon), StandardOpenOption.WRITE)) {
                channel.truncate(4096);
            }
            client.expect("failed touches: ", "check 0 100 1");
            client.expect("done", "free " + 2 * RAM);
            client.expect("done", "write 0 512 2");
            client.expect("right", "check 0 512 2"); // a file grows again where it is written
            assertThat(client.leave()).isZero();
        });
    }

    // ---- what cannot begin -------------------------------------------------------------------------------------

    @Test
    void aClientWhoseDeviceCannotBeMadeIsToldWhyAndCostsNothing() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.KILL, List.of("ram:1M", "file:/nowhere/overflow:8M"), daemon -> {
            for (int i = 0; i < 10; i++) {
                assertThat(told().welcome)
                        .startsWith("refused: overflow")
                        .contains("/nowhere/overflow", "directory does not exist");
            }
            started.forEach(Process::destroyForcibly);
        });
    }

    /** A daemon whose overflow file is on a disk of its own, which nobody else sees. */
    private Process daemonWithDisk(String mountOptions, String overflowBytes) throws IOException, InterruptedException {
        assumeTrue(Processes.effectiveUserId() == 0, "not run: only root can mount a small disk");
        Path disk = Files.createDirectories(directory.resolve("disk"));
        Files.deleteIfExists(directory.resolve("s"));
        List<String> command = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount -t tmpfs -o \"$1\" none \"$2\" || exit 77; shift 2; exec \"$@\"",
                "sh",
                mountOptions,
                disk.toString()));
        command.addAll(Jvm.command(
                DaemonMain.class,
                "--socket",
                directory.resolve("s"),
                "--ram",
                RAM,
                "--overflow",
                "file:" + disk.resolve("overflow") + ":" + overflowBytes));
        Process daemon = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        started.add(daemon);
        while (!Files.exists(directory.resolve("s"))) {
            if (daemon.waitFor(5, TimeUnit.MILLISECONDS)) {
                assumeTrue(daemon.exitValue() != 77, "not run: this system lets nobody mount a small disk");
                throw new AssertionError(Jvm.text(directory.resolve("log").toFile()));
            }
        }
        return daemon;
    }

    /** As the daemon sees it. */
    private Path diskOf(Process daemon) {
        return Path.of("/proc/" + daemon.pid() + "/root" + directory.resolve("disk"));
    }

    @ParameterizedTest
    @CsvSource({"size=4M, bytes free", "'size=64M,ro', Read-only"})
    void aDiskThatCannotTakeTheFileIsSaidSoAndHasNothingOfIt(String mountOptions, String words)
            throws IOException, InterruptedException {
        Process daemon = daemonWithDisk(mountOptions, "8M");
        for (int i = 0; i < 3; i++) {
            assertThat(told().welcome).startsWith("refused: overflow").contains("disk/overflow", words);
        }
        assertThat(diskOf(daemon)).isEmptyDirectory();
    }

    @Test
    void aDiskThatOthersFillUpHasTheRoomThatWasPromised() throws IOException, InterruptedException {
        Process daemon = daemonWithDisk("size=12M", "8M");
        Told client = told();
        assertThat(client.welcome).isEqualTo("welcome");
        byte[] block = new byte[64 << 10];
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> {
                    try (OutputStream out = Files.newOutputStream(diskOf(daemon).resolve("other"))) {
                        while (true) {
                            out.write(block);
                        }
                    }
                })
                .withMessageContaining("No space");
        client.expect("done", "memory " + (8 << 20));
        client.expect("done", "write 0 2048 1");
        client.expect("right", "check 0 2048 1");
        assertThat(client.leave()).isZero();
    }

    private String failure(Path socket) throws IOException, InterruptedException {
        return failure(socket, RAM);
    }

    private String failure(Path socket, long ram) throws IOException, InterruptedException {
        Process daemon = Jvm.start(DaemonMain.class, ProcessBuilder.Redirect.PIPE, "--socket", socket, "--ram", ram);
        started.add(daemon);
        String words = new String(daemon.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(daemon.waitFor()).as(words).isNotZero();
        assertThat(words).doesNotContain("\tat ").doesNotContain("Exception");
        return words;
    }

    @Test
    void aDaemonThatCannotListenSaysWhy() throws IOException, InterruptedException {
        with(
                DaemonOptions.OnLoss.KILL,
                List.of(),
                daemon -> assertThat(failure(directory.resolve("s"))).contains("another daemon"));
        assertThat(failure(directory.resolve("x".repeat(120)))).contains("107");
        assertThat(failure(Path.of(pathOf(104))))
                .as("its keeper's path is longer")
                .contains("107");
        assertThat(failure(directory.resolve("none/s"))).contains("none/s");
        Path occupied = Files.writeString(directory.resolve("file"), "not a socket");
        assertThat(failure(occupied)).contains(occupied.toString());
        assertThat(occupied).hasContent("not a socket");
        assertThat(Jvm.running(KeeperMain.class, directory.toString()))
                .as("keepers")
                .isEmpty();
    }

    private String pathOf(int bytes) {
        String start = directory + "/";
        return start + "y".repeat(bytes - start.length());
    }

    @Test
    void aBudgetBelowTheLeastIsRefusedWithTheLeast() throws IOException, InterruptedException {
        assertThat(failure(directory.resolve("s"), DaemonOptions.MIN_RAM_BYTES - 1))
                .contains(Long.toString(DaemonOptions.MIN_RAM_BYTES));
    }

    @Test
    void aSocketThatIsTakenIsNotTakenAgain() throws IOException, InterruptedException {
        with(DaemonOptions.OnLoss.KILL, List.of(), daemon -> {
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> new Daemon(daemon.options(), log::add))
                    .withMessageContaining("another daemon");
            assertThat(told().welcome).isEqualTo("welcome");
        });
    }
}
