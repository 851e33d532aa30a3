package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.heteromem.live.client.Sockets;
import org.heteromem.live.keeper.KeeperMain;
import org.heteromem.live.kernels.VersionsProgram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The daemon or its keeper is killed at the worst moments, while threads of a client write versions and check every value
 * they read: not one byte may be wrong, and nobody may wait for ever.
 */
class KillTest {
    private static final int PAGES = 4096;
    private static final int RAM_PAGES = 512;
    private static final long PATIENCE_SECONDS = 300;

    /** Without a cleanup of its own a daemon that is just ending would make it fail. */
    @TempDir(cleanup = CleanupMode.NEVER)
    private Path directory;

    private final long seed = Long.getLong("heteromem.seed", System.nanoTime());
    /** A thousand in the long run of docs/testing.md. */
    private final int kills = Integer.getInteger("heteromem.kills", 4);
    /** Twenty there. */
    private final int killsEach = Integer.getInteger("heteromem.kills.each", 1);

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
                .reduce((_, last) -> last)
                .filter(line -> line.endsWith(" takes over 1 items"))
                .isPresent();
    }

    private String log() {
        return Jvm.text(directory.resolve("daemon.log").toFile());
    }

    private Process daemon(String overflow, Object... more) throws IOException, InterruptedException {
        Object[] arguments = new Object[8 + more.length];
        List.of(
                        "--socket",
                        socket(),
                        "--ram",
                        256L << 20,
                        "--overflow",
                        overflow,
                        "--private",
                        ProcessHandle.current().pid())
                .toArray(arguments);
        System.arraycopy(more, 0, arguments, 8, more.length);
        Process daemon =
                Jvm.start(DaemonMain.class, directory.resolve("daemon.log").toFile(), arguments);
        while (!Files.exists(socket())) {
            assertThat(daemon.isAlive()).as(this::log).isTrue();
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return daemon;
    }

    private Process client(int threads) throws IOException {
        File output = directory.resolve("client.log").toFile();
        return Jvm.start(VersionsClient.class, output, socket(), PAGES, RAM_PAGES, threads, seed);
    }

    private void mustEndWell(Process client) throws InterruptedException {
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
        return Jvm.text(directory.resolve("client.log").toFile());
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

    private long deaths() {
        return log().lines()
                .filter(line -> line.contains("the daemon has died"))
                .count();
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
        daemon("ram:256M", "--victims", "refault+sampling");
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
        Process client = Jvm.startPadded(
                jars, ArenasClient.class, directory.resolve("client.log").toFile(), seed);
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
                VersionsProgram.class,
                directory.resolve("client.log").toFile(),
                overflow,
                700,
                256,
                200,
                2,
                kills * 4000L,
                seed,
                "kills");
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

    static List<String> points() {
        return FailPoints.ALL;
    }

    /**
     * Every daemon of a run ends itself at the same point, one after the other. Where a run passes a point only once, at its
     * beginning or its end, there are several runs.
     */
    @ParameterizedTest
    @MethodSource("points")
    void theDaemonIsKilledAt(String point) throws IOException, InterruptedException {
        boolean once = List.of(FailPoints.REGISTERED, FailPoints.REGISTER_HELD, FailPoints.FREED)
                        .contains(point)
                || point.startsWith("drop");
        String when = once ? point : point + ":" + Integer.getInteger("heteromem.kill.every", usually(point));
        do {
            long before = takeovers();
            daemon("ram:256M", "--fail-at", when);
            Process client = client(2);
            await(client, () -> clientLog().contains("ready"));
            if (once) {
                TimeUnit.MILLISECONDS.sleep(300);
            } else {
                await(client, () -> takeovers() >= killsEach);
            }
            mustEndWell(client);
            assertThat(takeovers()).as(this::log).isGreaterThan(before);
            awaitTheirEnd();
            Files.delete(directory.resolve("client.log"));
        } while (takeovers() < killsEach);
        System.out.println(point + ": " + deaths() + " kills, " + takeovers() + " takeovers, every value right");
    }

    /** After how many passages a daemon ends itself: most points are passed thousands of times a second. */
    private static int usually(String point) {
        return point.equals(FailPoints.STAYED) ? 20 : 600;
    }
}
