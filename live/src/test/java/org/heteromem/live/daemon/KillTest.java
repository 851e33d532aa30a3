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

    private Path socket() {
        return directory.resolve("s");
    }

    @AfterEach
    void nobodyIsLeft() throws InterruptedException, IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Jvm.running(DaemonMain.class, socket().toString()).findAny().isPresent()
                || Jvm.running(KeeperMain.class, socket().toString()).findAny().isPresent()) {
            if (System.nanoTime() - deadline > 0) {
                Jvm.running(DaemonMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
                Jvm.running(KeeperMain.class, socket().toString()).forEach(ProcessHandle::destroyForcibly);
                throw new AssertionError("a daemon or keeper has outlived its client: " + log());
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
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

    private Process client(int threads, long millis) throws IOException {
        File output = directory.resolve("client.log").toFile();
        return Jvm.start(VersionsClient.class, output, socket(), PAGES, RAM_PAGES, threads, millis, seed);
    }

    private void mustEndWell(Process client) throws InterruptedException {
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
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private long takeovers() {
        return log().lines().filter(line -> line.contains("is taken over")).count();
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
        daemon("ram:256M");
        Process client = client(3, kills * 1500L);
        // Before it has memory a client just connects again.
        await(client, () -> clientLog().contains("ready"));
        int killed = 0;
        while (killed < kills && client.isAlive()) {
            long before = takeovers();
            killed += (int) Jvm.running(victim, socket().toString())
                    .filter(ProcessHandle::destroyForcibly)
                    .count();
            if (victim == DaemonMain.class && random.nextInt(4) != 0) {
                // Else the next one is killed while it starts.
                await(client, () -> takeovers() > before);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(600));
        }
        mustEndWell(client);
        assertThat(killed).isPositive();
        System.out.println(killed + " kills, " + takeovers() + " takeovers");
        if (victim == DaemonMain.class) {
            assertThat(takeovers()).isPositive();
        }
    }

    /** The whole way: the API, a private daemon with compressed memory, requests that die with a daemon. */
    @Test
    void aProgramDoesNotNotice() throws IOException, InterruptedException {
        System.out.println("kills under a program: seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Process client =
                Jvm.start(ArenasClient.class, directory.resolve("client.log").toFile(), kills * 1500L, seed);
        await(client, () -> clientLog().contains("ready"));
        TimeUnit.MILLISECONDS.sleep(500);
        int killed = 0;
        String owner = Long.toString(client.pid());
        while (killed < kills && client.isAlive()) {
            Class<?> victim = random.nextInt(4) == 0 ? KeeperMain.class : DaemonMain.class;
            killed += (int) Jvm.running(victim, owner)
                    .filter(ProcessHandle::destroyForcibly)
                    .count();
            TimeUnit.MILLISECONDS.sleep(700 + random.nextInt(800));
        }
        mustEndWell(client);
        assertThat(clientLog()).contains("right");
        assertThat(killed).isPositive();
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

    /** Every daemon of the run kills itself at the same point, one after the other. */
    @ParameterizedTest
    @MethodSource("points")
    void theDaemonIsKilledAt(String point) throws IOException, InterruptedException {
        boolean rare = List.of(FailPoints.REGISTERED, FailPoints.REGISTER_HELD, FailPoints.FREED)
                        .contains(point)
                || point.startsWith("drop");
        daemon("ram:256M", "--fail-at", rare ? point : point + ":" + Integer.getInteger("heteromem.kill.every", 600));
        Process client = client(2, 800);
        mustEndWell(client);
        System.out.println(point + ": " + takeovers() + " takeovers");
        // A page that stays after all is too rare to be waited for.
        if (!point.equals(FailPoints.STAYED)) {
            assertThat(takeovers()).as(this::log).isPositive();
        }
    }
}
