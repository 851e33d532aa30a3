package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongUnaryOperator;
import java.util.stream.Stream;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Observer;
import org.heteromem.live.Options;
import org.heteromem.live.keeper.KeeperMain;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A daemon that serves everybody is killed and started again by hand, perhaps otherwise than before, while its clients live,
 * leave, or die with it.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RestartTest {
    private static final int KILLED = 128 + 9;
    private static final long PATIENCE_SECONDS = 60;
    private static final long RAM = 1 << 20;
    private static final int PAGES = 1024;
    private static final long BYTES = PAGES * 4096L;
    /** A word of the ledger that names a device which is none. */
    private static final long NOWHERE = 1L << 63 | 5L << 48;

    /** Without a cleanup of its own a keeper that is just ending would make it fail. */
    @TempDir(cleanup = CleanupMode.NEVER)
    private Path directory;

    private final List<Process> started = new ArrayList<>();
    private int daemons;

    @AfterEach
    void nobodyIsLeft() throws IOException, InterruptedException {
        started.forEach(Process::destroyForcibly);
        // One whose daemon was killed before it came would wait for another one for minutes.
        Jvm.running(KeeperMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
        await(() -> Jvm.running(KeeperMain.class, socket().toString()).findAny().isEmpty());
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    private Path socket() {
        return directory.resolve("s");
    }

    /** Of the last daemon. */
    private String log() {
        return Jvm.text(logFile());
    }

    private File logFile() {
        return directory.resolve("daemon-" + daemons + ".log").toFile();
    }

    private void await(BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).as(this::log).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** Starts a daemon; DIR in a device is the folder of the test. */
    private Process daemon(String overflow, String... more) throws IOException, InterruptedException {
        daemons++;
        List<Object> arguments = new ArrayList<>(List.of("--socket", socket(), "--ram", 8 * RAM));
        if (!overflow.isEmpty()) {
            for (String device : overflow.replace("DIR", directory.toString()).split(" ", -1)) {
                arguments.addAll(List.of("--overflow", device));
            }
        }
        arguments.addAll(List.of(more));
        Process daemon = Jvm.start(DaemonMain.class, logFile(), arguments.toArray());
        started.add(daemon);
        await(() -> log().contains("listens at") || !daemon.isAlive());
        assertThat(daemon.isAlive()).as(this::log).isTrue();
        return daemon;
    }

    private static void kill(Process process) throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    private Told client() throws IOException {
        Told client = new Told(socket(), RAM, this::log);
        started.add(client.process);
        assertThat(client.welcome).as(this::log).isEqualTo("welcome");
        client.expect("done", "memory " + BYTES);
        client.expect("done", "allocate " + BYTES);
        return client;
    }

    private long granted() {
        try (Observer observer = Observer.connect(socket())) {
            return observer.status().subjects().getFirst().counters().getOrDefault("ram.granted", -1L);
        }
    }

    // ---- other devices -----------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "compressed:8M | compressed:4M",
                "ram:8M | ram:16M",
                "ram:8M | ''",
                "compressed:8M file:DIR/overflow:8M | file:DIR/overflow:8M compressed:8M",
                "file:DIR/overflow:8M | file:DIR/other:1M",
            })
    void aClientKeepsItsDevicesWhateverTheSuccessorWasTold(String before, String after)
            throws IOException, InterruptedException {
        Process first = daemon(before);
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        kill(first);
        Process second = daemon(after);
        client.expect("right", "check 0 " + PAGES + " 1");
        client.expect("done", "write 0 " + PAGES + " 2");
        client.expect("right", "check 0 " + PAGES + " 2");
        if (!after.isEmpty()) {
            Told other = new Told(socket(), RAM, this::log);
            started.add(other.process);
            assertThat(other.welcome).isEqualTo("welcome");
        }
        kill(second);
        daemon(before);
        client.expect("right", "check 0 " + PAGES + " 2");
        assertThat(client.leave()).isZero();
    }

    /** The first ones went to the first device while that had room, and had to go on to the second. */
    @Test
    void pagesThatWentFromDeviceToDeviceAreFound() throws IOException, InterruptedException {
        Process first = daemon("ram:1M compressed:8M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        client.expect("done", "evict 0 " + PAGES);
        kill(first);
        daemon("ram:1M compressed:8M");
        client.expect("right", "check 0 " + PAGES + " 1");
        assertThat(client.leave()).isZero();
    }

    @Test
    void pagesOnADeviceThatComputesStayWhereTheyAre() throws IOException, InterruptedException {
        Process first = daemon("ram:8M", "--device", "accelerator:1M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        kill(first);
        daemon("ram:8M", "--device", "accelerator:2M");
        client.expect("right", "check 0 " + PAGES + " 1");
        assertThat(client.leave()).isZero();
    }

    @Test
    void moreDevicesThanAKeeperCanRememberAreRefusedAtTheStart() throws IOException, InterruptedException {
        List<Object> arguments = new ArrayList<>(List.of("--socket", socket(), "--ram", 8 * RAM));
        for (int i = 0; i < 100; i++) {
            arguments.addAll(List.of("--overflow", "file:/tmp/" + "x".repeat(60) + i + ":1M"));
        }
        Process daemon = Jvm.start(DaemonMain.class, logFile(), arguments.toArray());
        started.add(daemon);
        assertThat(daemon.waitFor()).isOne();
        assertThat(log()).contains("too many").doesNotContain("\tat ");
    }

    @Test
    void aDeviceThatIsNotThereYetIsWaitedFor() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        Path away = directory.resolve("away");
        Process first = daemon("file:DIR/disk/overflow:8M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        kill(first);
        Files.move(disk, away);
        // As a place looks where a disk will be mounted.
        Files.createDirectory(disk);
        Queue<String> said = new ConcurrentLinkedQueue<>();
        DaemonOptions options =
                new DaemonOptions(socket(), 8 * RAM, RAM, List.of("ram:8M"), DaemonOptions.OnLoss.KILL, 0);
        Daemon second = Daemon.withKeeper(options, said::add);
        await(() -> said.stream().anyMatch(line -> line.contains("cannot be taken over yet")));
        assertThat(said).anyMatch(line -> line.contains("disk/overflow.1, which holds pages of it, is not there"));
        // A polite end of a daemon that could not serve it costs it nothing either.
        second.close();
        daemon("ram:8M");
        await(() -> log().contains("cannot be taken over yet"));
        Files.delete(disk);
        Files.move(away, disk);
        client.expect("right", "check 0 " + PAGES + " 1");
        assertThat(client.leave()).isZero();
        await(() -> granted() == 0);
        assertThat(disk).isEmptyDirectory();
    }

    // ---- clients that are gone ---------------------------------------------------------------------------------

    @Test
    void aClientThatLeftWhileNobodyServedLeavesNothing() throws IOException, InterruptedException {
        Process first = daemon("file:DIR/overflow:8M");
        try (Heteromem memory = Heteromem.open(Options.ram(RAM).socket(socket()))) {
            try (Arena arena = memory.arena()) {
                MemorySegment segment = arena.allocate(BYTES, 4096);
                for (long at = 0; at < BYTES; at += 4096) {
                    segment.set(JAVA_LONG, at, at);
                }
            }
            kill(first);
        }
        assertThat(directory.resolve("overflow.1")).exists();
        Process second = daemon("file:DIR/overflow:8M");
        await(() -> granted() == 0);
        assertThat(directory.resolve("overflow.1")).doesNotExist();
        assertThat(log()).contains("left before it was taken over").doesNotContain("Exception");
        kill(second);
        daemon("file:DIR/overflow:8M");
        assertThat(granted()).isZero();
        assertThat(log()).doesNotContain("client 1");
    }

    @ParameterizedTest
    @EnumSource(names = {"REGIONS_ENDED", "DEVICES_ENDED", "FILES_ENDED", "CLIENT_RELEASED"})
    void aClientOfWhichADaemonWasKilledWhileItLeftLeavesNothing(FailPoint point)
            throws IOException, InterruptedException {
        for (int kills = 0; kills < Integer.getInteger("heteromem.kills.each", 1); kills++) {
            Process first = daemon("file:DIR/overflow:8M", "--fail-at", point.label());
            // Its process lives on: else its keeper would be done with it before another daemon came.
            try (Heteromem memory = Heteromem.open(Options.ram(RAM).socket(socket()));
                    Arena arena = memory.arena()) {
                MemorySegment segment = arena.allocate(BYTES, 4096);
                for (long at = 0; at < BYTES; at += 4096) {
                    segment.set(JAVA_LONG, at, at);
                }
            }
            assertThat(first.waitFor()).isEqualTo(KILLED);
            assertThat(log()).contains(FailPoints.SAID + point.label());
            Process second = daemon("file:DIR/overflow:8M");
            await(() -> granted() == 0);
            assertThat(directory.resolve("overflow.1")).doesNotExist();
            assertThat(log().contains("left before it was taken over"))
                    .as(this::log)
                    .isEqualTo(point != FailPoint.CLIENT_RELEASED);
            assertThat(log()).doesNotContain("Exception");
            second.destroy();
            second.waitFor();
        }
    }

    @Test
    void aClientThatDiesWithItsDaemonLeavesNothing() throws IOException, InterruptedException {
        Process first = daemon("file:DIR/overflow:8M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        assertThat(directory.resolve("overflow.1")).exists();
        kill(first);
        kill(client.process);
        await(() -> !Files.exists(directory.resolve("overflow.1")));
    }

    @Test
    void aClientThatDiesWhileItIsWaitedForIsForgotten() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        Process first = daemon("file:DIR/disk/overflow:8M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        kill(first);
        Files.move(disk, directory.resolve("away"));
        daemon("ram:8M");
        await(() -> log().contains("cannot be taken over yet"));
        assertThat(granted()).isEqualTo(RAM);
        kill(client.process);
        await(() -> granted() == 0);
    }

    /** Its file is made before the client is with the keeper. */
    @ParameterizedTest
    @EnumSource(names = {"FILES_HELD", "PIECE_MADE", "WELCOMED", "CLIENT_HELD", "PIECE_HELD"})
    void aClientOfWhichADaemonWasKilledWhileItCameLeavesNothing(FailPoint point)
            throws IOException, InterruptedException {
        for (int kills = 0; kills < Integer.getInteger("heteromem.kills.each", 1); kills++) {
            Process first = daemon("file:DIR/overflow:8M", "--fail-at", point.label());
            Process client = Jvm.start(ToldClient.class, logFile(), socket(), Long.toString(RAM));
            started.add(client);
            assertThat(first.waitFor()).isEqualTo(KILLED);
            assertThat(log()).contains(FailPoints.SAID + point.label());
            kill(client);
            // The keeper has nothing any more.
            await(() ->
                    Jvm.running(KeeperMain.class, socket().toString()).findAny().isEmpty());
            assertThat(directory.resolve("overflow.1")).doesNotExist();
        }
    }

    /** Somebody else's that has the name of an overflow file. */
    @Test
    void aFileThatIsNobodysOverflowStays() throws IOException, InterruptedException {
        Path file = Files.writeString(directory.resolve("overflow.1"), "a letter");
        // For the other file the daemon waits until its keeper is there.
        Process first = daemon("file:DIR/overflow:8M file:DIR/other:8M", "--fail-at", FailPoint.FILES_HELD.label());
        started.add(Jvm.start(ToldClient.class, logFile(), socket(), Long.toString(RAM)));
        assertThat(first.waitFor()).isEqualTo(KILLED);
        await(() -> Jvm.running(KeeperMain.class, socket().toString()).findAny().isEmpty());
        assertThat(file).hasContent("a letter");
    }

    // ---- damage ------------------------------------------------------------------------------------------------

    /** The ledger of the only region, as the daemon has it open. */
    private static FileChannel ledger(Process daemon) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            for (Path fd : open.toList()) {
                if (Files.exists(fd) || Files.isSymbolicLink(fd)) {
                    String target = Files.readSymbolicLink(fd).toString();
                    if (target.contains("-ledger-")) {
                        return FileChannel.open(fd, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    }
                }
            }
        }
        throw new AssertionError("the daemon has no ledger open");
    }

    /** Makes the ledger's word of a page from that of one that is on a device. */
    private static void rewriteWord(Process daemon, int from, int to, LongUnaryOperator change) throws IOException {
        try (FileChannel ledger = ledger(daemon)) {
            ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
            ledger.read(word, from * 8L);
            assertThat(word.getLong(0)).isNegative();
            ledger.write(word.clear().putLong(0, change.applyAsLong(word.getLong(0))), to * 8L);
        }
    }

    /** Which device and which offset: nobody can find out otherwise what was lost. */
    @Test
    void aWordOfTheLedgerThatMakesNoSenseIsALostPage() throws IOException, InterruptedException {
        Process first = daemon("ram:8M");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        client.expect("done", "evict 7 8");
        rewriteWord(first, 7, 7, _ -> NOWHERE);
        kill(first);
        daemon("ram:8M");
        await(() -> granted() == 0);
        assertThat(log()).contains("LOST a page").contains("offset " + 7 * 4096).contains("device '5'");
        assertThat(client.process.waitFor()).isEqualTo(KILLED);
    }

    /** Killed between finding out and telling: the client may not go on, and somebody has to say what was lost. */
    @Test
    void aPageThatADaemonHadNoTimeToCallLostEndsItsClient() throws IOException, InterruptedException {
        Process first = daemon("file:DIR/overflow:8M", "--fail-at", FailPoint.LOST_NOTED.label());
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        client.expect("done", "evict 7 8");
        assertThat(TroubleTest.damage(directory.resolve("overflow.1"), Integer.MAX_VALUE))
                .isPositive();
        Thread touching = Thread.ofPlatform().start(() -> {
            try {
                client.tell("touch 7 8");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        assertThat(first.waitFor()).isEqualTo(KILLED);
        assertThat(log()).contains(FailPoints.SAID).doesNotContain("LOST a page");
        daemon("file:DIR/overflow:8M");
        await(() -> granted() == 0);
        assertThat(log()).contains("LOST a page").contains("offset " + 7 * 4096 + ", device 'file'");
        assertThat(client.process.waitFor()).isEqualTo(KILLED);
        touching.join();
    }

    /** Also for who makes pages ahead of a sequence, and for who pins it. */
    @Test
    void aLostPageStaysLostWithASuccessor() throws IOException, InterruptedException {
        Process first = daemon("file:DIR/overflow:8M", "--on-loss", "throw");
        Told client = client();
        client.expect("done", "write 103 104 1");
        client.expect("done", "evict 103 104");
        assertThat(TroubleTest.damage(directory.resolve("overflow.1"), 1)).isOne();
        client.expect("failed touches: 1", "touch 103 104");
        kill(first);
        // That it shall end whose page is lost is for losses to come.
        Process second = daemon("file:DIR/overflow:8M");
        client.expect("done", "write 0 103 1");
        client.expect("done", "write 104 200 1");
        client.expect("refused", "pin 100 104");
        kill(second);
        daemon("file:DIR/overflow:8M", "--on-loss", "throw");
        assertThat(log()).doesNotContain("LOST a page");
        client.expect("failed touches: 1", "touch 103 104");
        client.expect("right", "check 0 103 1");
        client.expect("done", "free " + BYTES);
        client.expect("done", "allocate " + BYTES);
        client.expect("right", "zero 0 " + PAGES);
        assertThat(client.leave()).isZero();
    }

    /** Of two pages in one place the second must not pass for right once the first was given up. */
    @Test
    void aPlaceStaysDisputedThroughATakeoverThatIsKilled() throws IOException, InterruptedException {
        Process first = daemon("ram:8M", "--on-loss", "throw");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        client.expect("done", "evict 7 9");
        rewriteWord(first, 7, 8, of7 -> of7);
        kill(first);
        Process second = Jvm.start(
                DaemonMain.class,
                logFile(),
                "--socket",
                socket(),
                "--ram",
                8 * RAM,
                "--on-loss",
                "throw",
                "--fail-at",
                FailPoint.LOST_NOTED.label() + ":1");
        started.add(second);
        assertThat(second.waitFor()).isEqualTo(KILLED);
        assertThat(log()).contains(FailPoints.SAID);
        daemon("ram:8M", "--on-loss", "throw");
        client.expect("failed touches: 2", "touch 7 9");
        client.expect("right", "check 9 " + PAGES + " 1");
    }

    /** A place that does not exist, and one that is another page's too: nobody knows whose. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void aPageThatATakeoverFindsLostIsNeverZeros(boolean nowhere) throws IOException, InterruptedException {
        Process first = daemon("ram:8M", "--on-loss", "throw");
        Told client = client();
        client.expect("done", "write 0 " + PAGES + " 1");
        client.expect("done", "evict 7 9");
        rewriteWord(first, 8, 7, of8 -> nowhere ? NOWHERE : of8);
        kill(first);
        Process second = daemon("ram:8M", "--on-loss", "throw");
        await(() -> log().contains("LOST a page"));
        int after = nowhere ? 8 : 9;
        client.expect("failed touches: " + (after - 7), "touch 7 " + after);
        client.expect("right", "check 0 7 1");
        client.expect("right", "check " + after + " " + PAGES + " 1");
        client.expect("done", "free " + BYTES);
        client.expect("done", "allocate " + BYTES);
        kill(second);
        // What was given up is no loss of the next one.
        daemon("ram:8M", "--on-loss", "throw");
        client.expect("right", "zero 0 " + PAGES);
        assertThat(log()).doesNotContain("LOST a page");
    }
}
