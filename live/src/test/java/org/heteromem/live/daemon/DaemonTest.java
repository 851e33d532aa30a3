package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.live.kernels.VersionsProgram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon in this process and clients in theirs: every byte is right, and everything is given back. */
class DaemonTest {
    private static final long PATIENCE_SECONDS = 120;

    @TempDir
    private Path directory;

    private final long seed = Long.getLong("heteromem.seed", System.nanoTime());

    private void versions(String overflow, int pages, int ramPages, int threads, long millis)
            throws IOException, InterruptedException {
        System.out.println("versions over " + overflow + ": seed " + seed);
        Path socket = directory.resolve("s");
        DaemonOptions options =
                new DaemonOptions(socket, 1L << 30, 1L << 30, List.of(overflow), DaemonOptions.OnLoss.KILL, 0);
        Thread serving;
        Consumer<String> out = System.out::println;
        try (Daemon daemon = new Daemon(options, out)) {
            serving = Thread.ofPlatform().start(daemon::run);
            File output = directory.resolve("client.log").toFile();
            Process client = Jvm.start(VersionsClient.class, output, socket, pages, ramPages, threads, seed);
            long enough = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            Map<String, Long> status = Map.of();
            while (client.isAlive()) {
                for (ClientSession session : daemon.sessions()) {
                    status = session.status();
                }
                if (System.nanoTime() - enough > 0) {
                    Jvm.endInput(client);
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
            assertThat(client.waitFor()).as(() -> Jvm.text(output)).isZero();
            System.out.println(status);
            assertThat(status.get("bytes.out")).isGreaterThan((long) pages * 4096);
            while (!daemon.sessions().isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            assertThat(StateChecker.check(daemon.manager())).isEmpty();
            assertThat(daemon.manager().devices()).isEmpty();
        }
        serving.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        assertThat(serving.isAlive()).isFalse();
    }

    @Test
    void everyVersionIsRightWithADeviceThatComputes() throws IOException, InterruptedException {
        System.out.println("versions with kernels: seed " + seed);
        Path socket = directory.resolve("s");
        DaemonOptions options = new DaemonOptions(
                        socket, 1L << 30, 1L << 30, List.of("ram:4M", "compressed:64M"), DaemonOptions.OnLoss.KILL, 0)
                .withKernels(List.of(classesOf(VersionsProgram.class)))
                .withDevices(List.of("accelerator:1M"));
        Thread serving;
        Consumer<String> out = System.out::println;
        try (Daemon daemon = new Daemon(options, out)) {
            serving = Thread.ofPlatform().start(daemon::run);
            File output = directory.resolve("client.log").toFile();
            Process client = Jvm.start(VersionsProgram.class, output, socket, 3000, 512, 256, 2, 4000, seed);
            long kernels = 0;
            while (client.isAlive()) {
                for (ClientSession session : daemon.sessions()) {
                    kernels = Math.max(kernels, session.status().getOrDefault("kernels", 0L));
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
            assertThat(client.waitFor()).as(() -> Jvm.text(output)).isZero();
            System.out.println(Jvm.text(output));
            assertThat(kernels).isPositive();
            while (!daemon.sessions().isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            assertThat(StateChecker.check(daemon.manager())).isEmpty();
            assertThat(daemon.manager().devices()).isEmpty();
        }
        serving.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        assertThat(serving.isAlive()).isFalse();
    }

    /** The recorder hears from the daemon, and not only from tests of what it writes. */
    @Test
    void aRecordingHasWhatHappensToAClient() throws IOException, InterruptedException {
        Path socket = directory.resolve("s");
        Path file = directory.resolve("daemon.jfr");
        DaemonOptions options =
                new DaemonOptions(socket, 1 << 30, 1 << 20, List.of("ram:16M"), DaemonOptions.OnLoss.KILL, 0);
        Queue<String> log = new ConcurrentLinkedQueue<>();
        try (Recording recording = new Recording();
                Daemon daemon = new Daemon(options, log::add)) {
            recording.start();
            Thread.ofPlatform().start(daemon::run);
            Told client = new Told(socket, 1 << 20, () -> String.join("\n", log));
            client.expect("done", "memory " + (4 << 20));
            client.expect("done", "allocate " + (4 << 20));
            client.expect("done", "write 0 1024 1");
            client.expect("right", "check 0 1024 1");
            assertThat(client.leave()).isZero();
            recording.stop();
            recording.dump(file);
        }
        assertThat(RecordingFile.readAllEvents(file))
                .extracting(event -> event.getEventType().getName())
                .contains("heteromem.PageFault", "heteromem.Eviction", "heteromem.MigrationHome");
    }

    private static Path classesOf(Class<?> type) {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void everyVersionIsRightWithOneThread() throws IOException, InterruptedException {
        versions("ram:256M", 8192, 1024, 1, 3000);
    }

    @Test
    void everyVersionIsRightWithManyThreads() throws IOException, InterruptedException {
        versions("ram:256M", 8192, 1024, 4, 5000);
    }
}
