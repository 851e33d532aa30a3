package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.client.Sockets;
import org.heteromem.live.keeper.KeeperMain;
import org.heteromem.live.kernels.VersionsProgram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The daemon or its keeper is killed at the worst moments, while threads of a client write versions and check every value
 * they read: not one byte may be wrong, and nobody may wait for ever.
 */
class KillTest {
    private static final int PAGES = 4096;
    private static final int RAM_PAGES = 512;
    private static final int LOST_PAGES = 64;
    private static final long PATIENCE_SECONDS = 300;

    /** Without a cleanup of its own a daemon that is just ending would make it fail. */
    @TempDir(cleanup = CleanupMode.NEVER)
    private Path directory;

    private final long seed = Long.getLong("heteromem.seed", System.nanoTime());
    /** A thousand in the long run of docs/testing.md. */
    private final int kills = Integer.getInteger("heteromem.kills", 4);
    /** Twenty there. */
    private final int killsEach = Integer.getInteger("heteromem.kills.each", 1);

    /** Pages go to each of them, and on from the first ones: those have no room for all. */
    private List<String> overflow =
            List.of(System.getProperty("heteromem.kill.overflow", "ram:2M compressed:4M file:DIR/overflow:256M")
                    .split(" ", -1));

    /** How many had been started before the client was told to end. */
    private long successors;

    private Path socket() {
        return directory.resolve("s");
    }

    @AfterEach
    void nobodyIsLeft() throws InterruptedException, IOException {
        awaitTheirEnd();
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private void awaitTheirEnd() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Jvm.running(DaemonMain.class, socket().toString()).findAny().isPresent()
                || Jvm.running(KeeperMain.class, socket().toString()).findAny().isPresent()) {
            if (System.nanoTime() - deadline > 0) {
                endAll();
                throw new AssertionError("a daemon or keeper has outlived its client: " + log());
            }
            if (cameTooLate()) {
                endAll();
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private void endAll() {
        Jvm.running(DaemonMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
        Jvm.running(KeeperMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
    }

    /** A successor that was started when the client had gone, of which its keeper has nothing, waits for others. */
    private boolean cameTooLate() {
        return log().lines()
                .filter(line -> line.contains(" takes over "))
                .skip(successors)
                .reduce((_, last) -> last)
                .filter(line -> line.endsWith(" takes over 1 items"))
                .isPresent();
    }

    private long startedSuccessors() {
        return log().lines().filter(line -> line.contains(" takes over ")).count();
    }

    private String log() {
        return Jvm.text(directory.resolve("daemon.log").toFile());
    }

    private Process daemon(Object... more) throws IOException, InterruptedException {
        List<Object> arguments = new ArrayList<>(List.of(
                "--socket",
                socket(),
                "--ram",
                256L << 20,
                "--private",
                ProcessHandle.current().pid()));
        for (String device : overflow) {
            arguments.addAll(List.of("--overflow", device.replace("DIR", directory.toString())));
        }
        arguments.addAll(List.of(more));
        Process daemon =
                Jvm.start(DaemonMain.class, directory.resolve("daemon.log").toFile(), arguments.toArray());
        while (!log().contains("daemon " + daemon.pid() + " listens at")) {
            assertThat(daemon.isAlive()).as(this::log).isTrue();
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return daemon;
    }

    private Process client(int threads) throws IOException {
        return Jvm.start(VersionsClient.class, clientLogFile(), socket(), PAGES, RAM_PAGES, threads, seed);
    }

    private Process arenasClient() throws IOException {
        return Jvm.start(ArenasClient.class, clientLogFile(), seed, socket());
    }

    private File clientLogFile() {
        return directory.resolve("client.log").toFile();
    }

    private void mustEndWell(Process client) throws InterruptedException {
        successors = startedSuccessors();
        Jvm.endInput(client);
        boolean ended = client.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            client.destroyForcibly();
        }
        assertThat(ended && client.exitValue() == 0)
                .as(() -> "seed " + seed + "\nclient: " + clientLog() + "\ndaemon: " + log())
                .isTrue();
    }

    private String clientLog() {
        return Jvm.text(clientLogFile());
    }

    private void await(Process client, BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!until.getAsBoolean() && client.isAlive()) {
            if (System.nanoTime() - deadline > 0) {
                client.destroyForcibly();
                throw new AssertionError(
                        "waited in vain; seed " + seed + "\nclient: " + clientLog() + "\ndaemon: " + log());
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private long takeovers() {
        return log().lines().filter(line -> line.contains("is taken over")).count();
    }

    /** How many successors are at work by now, of daemons or of keepers. */
    private long replaced(Class<?> victim) {
        return replaced(victim, log());
    }

    private static long replaced(Class<?> victim, String log) {
        String said = victim == DaemonMain.class ? "is taken over" : "a new keeper has all";
        return log.lines().filter(line -> line.contains(said)).count();
    }

    private static Path logOfPrivateDaemon(String owner) throws IOException {
        Path base = Sockets.ofThisProcess().defaultSocket().resolveSibling(".").normalize();
        try (var folders = Files.list(base)) {
            return folders.filter(folder -> folder.getFileName().toString().startsWith("private-" + owner + "-"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no private daemon of " + owner + " in " + base))
                    .resolve("daemon.log");
        }
    }

    @Test
    void theDaemonIsKilledAtRandom() throws IOException, InterruptedException {
        killAtRandom(DaemonMain.class);
    }

    @Test
    void theKeeperIsKilledAtRandom() throws IOException, InterruptedException {
        killAtRandom(KeeperMain.class);
    }

    private void killAtRandom(Class<?> victim) throws IOException, InterruptedException {
        System.out.println("kills of " + victim.getSimpleName() + ": seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        daemon("--victims", "refault+sampling");
        Process client = client(3);
        // Before it has memory a client just connects again.
        await(client, () -> clientLog().contains("ready"));
        int killed = 0;
        while (killed < kills && client.isAlive()) {
            long before = replaced(victim);
            killed += (int) Jvm.running(victim, socket().toString())
                    .filter(ProcessHandle::destroyForcibly)
                    .count();
            if (random.nextInt(4) != 0) {
                // Else the next one is killed while it starts.
                await(client, () -> replaced(victim) > before);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(600));
        }
        mustEndWell(client);
        assertThat(killed).isPositive();
        System.out.println(killed + " kills, " + takeovers() + " takeovers, every value right");
        if (victim == DaemonMain.class) {
            assertThat(takeovers()).isPositive();
        }
    }

    /**
     * The whole way: the API, a private daemon with compressed memory, requests that die with a daemon. Also with a class path
     * that is longer than a message to the keeper.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1000})
    void aProgramDoesNotNotice(int jars) throws IOException, InterruptedException {
        System.out.println("kills under a program: seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Process client = Jvm.startPadded(jars, ArenasClient.class, clientLogFile(), seed);
        await(client, () -> clientLog().contains("ready"));
        TimeUnit.MILLISECONDS.sleep(500);
        int killed = 0;
        String owner = Long.toString(client.pid());
        Path log = logOfPrivateDaemon(owner);
        boolean both = true;
        while (killed < kills && client.isAlive()) {
            // One of them has what the program must not lose: no keeper is killed before a successor has taken over.
            Class<?> victim = both && random.nextInt(4) == 0 ? KeeperMain.class : DaemonMain.class;
            killed += (int) Jvm.running(victim, owner)
                    .filter(ProcessHandle::destroyForcibly)
                    .count();
            // What is said from here on, a successor says.
            long before = replaced(victim, Jvm.text(log.toFile()));
            both = victim == KeeperMain.class || random.nextInt(4) != 0;
            if (both) {
                await(client, () -> replaced(victim, Jvm.text(log.toFile())) > before);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(600));
        }
        mustEndWell(client);
        assertThat(clientLog()).contains("right");
        assertThat(killed).isPositive();
        System.out.println(killed + " kills under a program, every value right");
    }

    /** Daemons are killed while kernels run: those fail, and nothing else is wrong. */
    @ParameterizedTest
    @ValueSource(strings = {"ram", "compressed"})
    void aProgramWithKernelsIsToldAndNothingIsLost(String overflow) throws IOException, InterruptedException {
        System.out.println("kills under kernels: seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Process client = Jvm.start(
                VersionsProgram.class, clientLogFile(), overflow, 700, 256, 200, 2, kills * 4000L, seed, "kills");
        await(client, () -> clientLog().contains("ready"));
        TimeUnit.MILLISECONDS.sleep(500);
        int killed = 0;
        String owner = Long.toString(client.pid());
        while (killed < kills && client.isAlive()) {
            killed += (int) Jvm.running(DaemonMain.class, owner)
                    .filter(ProcessHandle::destroyForcibly)
                    .count();
            TimeUnit.MILLISECONDS.sleep(1500 + random.nextInt(2500));
        }
        mustEndWell(client);
        assertThat(clientLog()).contains("right");
        System.out.println(clientLog());
        assertThat(killed).isPositive();
    }

    // ---- at points -------------------------------------------------------------------------------------------

    /** A new one must not be forgotten. */
    @Test
    void aDaemonIsKilledAtEveryPoint() {
        Set<FailPoint> tried = EnumSet.of(FailPoint.PIECE_PUNCHED);
        Stream.of(KillTest.class, RestartTest.class)
                .flatMap(test -> Stream.of(test.getDeclaredMethods()))
                .map(method -> method.getAnnotation(EnumSource.class))
                .filter(Objects::nonNull)
                .flatMap(points -> Stream.of(points.names()))
                .forEach(name -> tried.add(FailPoint.valueOf(name)));
        assertThat(tried).containsExactlyInAnyOrder(FailPoint.values());
    }

    private long killedAt(FailPoint point) {
        return log().lines()
                .filter(line -> line.equals(FailPoints.SAID + point.label()))
                .count();
    }

    private void sayHowMany(FailPoint point) {
        System.out.println(
                point.label() + ": " + killedAt(point) + " kills, " + takeovers() + " takeovers, every value right");
    }

    /** After how many passages a daemon ends itself: some points are passed thousands of times a second. */
    private static String every(FailPoint point, int usually) {
        return point.label() + ":" + Integer.getInteger("heteromem.kill.every", usually);
    }

    /** Every daemon of a run ends itself at the same point, one after the other. */
    @ParameterizedTest
    @EnumSource(
            names = {
                "FAULTS_READ",
                "PROTECTED",
                "COPIED",
                "LEFT_NOTED",
                "LEFT_PUNCHED",
                "MOVED_NOTED",
                "ARRIVED_PLACED",
                "ARRIVED_NOTED",
                "STAYED",
                "STORES_ALLOWED",
                "MAPPED_AGAIN",
                "ZEROED"
            })
    void theDaemonIsKilledWherePagesMove(FailPoint point) throws IOException, InterruptedException {
        int often = switch (point) {
            case STAYED -> 20;
            case STORES_ALLOWED, MAPPED_AGAIN -> 50;
            // Each page is touched for the first time once.
            case ZEROED -> PAGES / (killsEach + 1);
            default -> 1500;
        };
        daemon("--fail-at", every(point, often));
        Process client = client(2);
        await(client, () -> killedAt(point) >= killsEach);
        mustEndWell(client);
        sayHowMany(point);
    }

    /** Ends one of several runs, in which a daemon has ended itself once more than before. */
    private void mustEndWellAfterMore(Process client, FailPoint point, long before)
            throws IOException, InterruptedException {
        TimeUnit.MILLISECONDS.sleep(300);
        mustEndWell(client);
        assertThat(killedAt(point)).as(this::log).isGreaterThan(before);
        awaitTheirEnd();
        Files.delete(clientLogFile().toPath());
    }

    /** At the end of a run all that it has is freed at once. */
    @ParameterizedTest
    @EnumSource(names = {"DROP_NOTED", "DROP_PUNCHED"})
    void theDaemonIsKilledWherePagesAreGivenUp(FailPoint point) throws IOException, InterruptedException {
        while (killedAt(point) < killsEach) {
            long before = killedAt(point);
            daemon("--fail-at", point.label());
            Process client = client(2);
            await(client, () -> clientLog().contains("ready"));
            mustEndWellAfterMore(client, point, before);
        }
        sayHowMany(point);
    }

    /** What a client has comes and goes. */
    @ParameterizedTest
    @EnumSource(
            names = {
                "REGISTERED",
                "REGISTER_HELD",
                "ALLOCATED",
                "FREE_DROPPED",
                "FREED",
                "PINNED",
                "PIN_HELD",
                "UNPINNED",
                "UNPIN_RELEASED",
                "UNMAPPED",
                "UNREGISTERED"
            })
    void theDaemonIsKilledWhereAProgramAsks(FailPoint point) throws IOException, InterruptedException {
        daemon("--fail-at", every(point, 5));
        Process client = arenasClient();
        await(client, () -> killedAt(point) >= killsEach);
        mustEndWell(client);
        sayHowMany(point);
    }

    /** Before a client has memory it may have to open it again; after that nothing is lost. */
    @ParameterizedTest
    @EnumSource(names = {"WELCOMED", "CLIENT_HELD", "CLIENT_ENTRUSTED", "PIECE_MADE", "PIECE_HELD"})
    void theDaemonIsKilledWhereAClientComes(FailPoint point) throws IOException, InterruptedException {
        while (killedAt(point) < killsEach) {
            long before = killedAt(point);
            daemon("--fail-at", point.label());
            Process client = arenasClient();
            long served = System.nanoTime();
            long deadline = served + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (client.isAlive() && !clientLog().contains("ready")) {
                if (Jvm.running(DaemonMain.class, socket().toString()).findAny().isPresent()) {
                    served = System.nanoTime();
                } else if (System.nanoTime() - served > TimeUnit.SECONDS.toNanos(2)) {
                    // It was killed before it had given anything away, so that nobody starts another one.
                    daemon();
                }
                assertThat(System.nanoTime()).as(this::log).isLessThan(deadline);
                TimeUnit.MILLISECONDS.sleep(50);
            }
            mustEndWellAfterMore(client, point, before);
        }
        sayHowMany(point);
    }

    /** Of the daemons that take over every second one ends itself before it has. */
    @ParameterizedTest
    @EnumSource(names = {"ADOPTED", "REOPENED", "WOKEN", "TAKEN_OVER"})
    void theSuccessorIsKilled(FailPoint point) throws IOException, InterruptedException {
        daemon("--fail-at", point.label() + "/2");
        Process client = client(2);
        await(client, () -> clientLog().contains("ready"));
        while (killedAt(point) < killsEach && client.isAlive()) {
            long before = replaced(DaemonMain.class);
            Jvm.running(DaemonMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
            await(client, () -> replaced(DaemonMain.class) > before);
            TimeUnit.MILLISECONDS.sleep(100);
        }
        mustEndWell(client);
        sayHowMany(point);
    }

    /** The daemon finds pages damaged, or makes them whole again when they are given up: never zeros before. */
    @ParameterizedTest
    @EnumSource(names = {"LOST_NOTED", "POISON_NOTED", "POISONED", "HEAL_PLACED", "HEAL_PUNCHED"})
    @Timeout(value = 30, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theDaemonIsKilledWherePagesAreLost(FailPoint point) throws IOException, InterruptedException {
        while (killedAt(point) < killsEach) {
            long before = killedAt(point);
            overflow = List.of("file:" + directory.resolve("overflow") + ":8M");
            daemon("--on-loss", "throw", "--fail-at", point.label());
            int said = log().length();
            try (Heteromem memory = Heteromem.open(Options.ram("1M").socket(socket()))) {
                pagesAreLost(memory);
            }
            // Whoever found it.
            for (int page = 0; page < LOST_PAGES; page++) {
                assertThat(log().substring(said))
                        .containsPattern("LOST a page.*offset " + page * 4096 + ", device 'file'");
            }
            assertThat(killedAt(point)).as(this::log).isGreaterThan(before);
            awaitTheirEnd();
        }
        sayHowMany(point);
    }

    /** Of its memory nobody uses that part: what is in the others stays. */
    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theDaemonIsKilledWhereADeviceGivesMemoryBack() throws IOException, InterruptedException {
        FailPoint point = FailPoint.PIECE_PUNCHED;
        overflow = List.of("compressed:64M");
        daemon("--fail-at", point.label() + ":1");
        SplittableRandom random = new SplittableRandom(seed);
        try (Heteromem memory = Heteromem.open(Options.ram("1M").socket(socket()));
                Arena arena = memory.arena()) {
            MemorySegment kept = arena.allocate(1 << 20, 4096);
            fill(kept, random.split());
            while (killedAt(point) < killsEach) {
                long before = killedAt(point);
                try (Arena passing = memory.arena()) {
                    MemorySegment much = passing.allocate(16 << 20, 4096);
                    fill(much, random.split());
                    memory.evict(much);
                }
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
                while (killedAt(point) == before) {
                    assertThat(System.nanoTime()).as(this::log).isLessThan(deadline);
                    TimeUnit.MILLISECONDS.sleep(20);
                }
            }
            SplittableRandom same = new SplittableRandom(seed).split();
            for (long at = 0; at < kept.byteSize(); at += 8) {
                assertThat(kept.get(ValueLayout.JAVA_LONG, at)).isEqualTo(same.nextLong());
            }
        }
        sayHowMany(point);
    }

    private static void fill(MemorySegment segment, SplittableRandom random) {
        for (long at = 0; at < segment.byteSize(); at += 8) {
            segment.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
    }

    private void pagesAreLost(Heteromem memory) throws IOException {
        int pages = LOST_PAGES;
        Arena arena = memory.arena();
        MemorySegment segment = arena.allocate(pages * 4096L, 4096);
        fill(segment, new SplittableRandom(seed));
        memory.evict(segment);
        assertThat(memory.residency(segment).devices()).isEqualTo(Map.of("file", (long) pages));
        assertThat(TroubleTest.damage(directory.resolve("overflow"), Integer.MAX_VALUE))
                .isEqualTo(pages);
        assertThat(failedTouches(segment)).as(this::log).isEqualTo(pages);
        // However often it is asked, and whoever answers.
        assertThat(failedTouches(segment)).as(this::log).isEqualTo(pages);
        arena.close();
        try (Arena next = memory.arena()) {
            MemorySegment fresh = next.allocate(segment.byteSize(), 4096);
            assertThat(fresh.mismatch(MemorySegment.ofArray(new byte[pages * 4096])))
                    .isEqualTo(-1);
        }
    }

    private static int failedTouches(MemorySegment segment) {
        int failed = 0;
        byte[] found = new byte[4096];
        for (long at = 0; at < segment.byteSize(); at += 4096) {
            try {
                MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, found, 0, found.length);
                Thread.yield(); // the error of a failed touch may come a little after it
            } catch (InternalError e) {
                failed++;
            }
        }
        return failed;
    }
}
