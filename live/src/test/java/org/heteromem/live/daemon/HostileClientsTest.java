package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.heteromem.core.inspect.StateChecker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hostile and broken clients, one after the other, beside one that behaves: whatever they do costs themselves, while the
 * other one goes on and finds every byte right. Afterwards the daemon has nothing of theirs.
 */
@Timeout(value = 400, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileClientsTest {
    private static final int KILLED = 128 + 9;
    private static final int STEPS_BESIDE = 2000;
    private static final long PATIENCE_SECONDS = 60;
    private static final int PAGES = 2048;
    private static final int RAM_PAGES = 256;

    @TempDir
    private Path directory;

    private final long seed = Long.getLong("heteromem.seed", System.nanoTime());

    private final Queue<String> log = new ConcurrentLinkedQueue<>();
    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void leaveNobodyBehind() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void whateverAClientDoesCostsItselfOnly() throws IOException, InterruptedException {
        System.out.println("hostile clients: seed " + seed);
        Path socket = directory.resolve("s");
        DaemonOptions options = new DaemonOptions(
                socket, 96L << 20, 1L << 20, List.of("compressed:4M", "ram:64M"), DaemonOptions.OnLoss.KILL, 0);
        Thread serving;
        try (Daemon daemon = new Daemon(options, log::add)) {
            serving = Thread.ofPlatform().start(daemon::run);
            // What the first client makes the JVM load and start is not theirs.
            Process warm = start(socket, List.of(Deed.LEAVES_AT_ANY_MOMENT), "warm.log");
            assertThat(warm.waitFor()).as(this::everything).isZero();
            await("the first client has left", () -> daemon.sessions().isEmpty());
            int descriptors = descriptors();
            Path progress = directory.resolve("progress");
            File output = directory.resolve("steady.log").toFile();
            Process steady = Jvm.start(SteadyClient.class, output, socket, PAGES, RAM_PAGES, seed, progress);
            started.add(steady);
            await("the steady client is on its way", () -> steps(progress) > 0);
            List<Deed> cheap = Arrays.stream(Deed.values())
                    .filter(deed -> deed.price != Deed.Price.LIFE)
                    .toList();
            long before = steps(progress);
            Process many = start(socket, cheap, "cheap.log");
            assertThat(many.waitFor(2 * PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as(this::everything)
                    .isTrue();
            assertThat(many.exitValue()).as(this::everything).isZero();
            goesOn(steady, progress, before, "deeds that cost no life");
            // Those that end with their process all at once.
            before = steps(progress);
            Map<Deed, Process> doomed = new EnumMap<>(Deed.class);
            for (Deed deed : Deed.values()) {
                if (deed.price == Deed.Price.LIFE) {
                    doomed.put(deed, start(socket, List.of(deed), deed + ".log"));
                }
            }
            for (Map.Entry<Deed, Process> one : doomed.entrySet()) {
                assertThat(one.getValue().waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .as(() -> one.getKey() + " goes on for ever\n" + everything())
                        .isTrue();
                assertThat(one.getValue().exitValue())
                        .as(() -> one.getKey() + " costs a life\n" + everything())
                        .isEqualTo(KILLED);
            }
            await("they are forgotten", () -> daemon.sessions().size() == 1);
            goesOn(steady, progress, before, "deeds that cost a life");
            try (OutputStream in = steady.getOutputStream()) {
                in.write('.');
            }
            assertThat(steady.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as(this::everything)
                    .isTrue();
            assertThat(steady.exitValue()).as(this::everything).isZero();
            await("all have left", () -> daemon.sessions().isEmpty());
            assertThat(StateChecker.check(daemon.manager())).isEmpty();
            assertThat(daemon.manager().devices()).isEmpty();
            await("all descriptors are closed", () -> descriptors() <= descriptors);
            await("all threads have ended", () -> threads() == 0);
            assertThat(mappings()).as("mapped memory of clients").isEmpty();
            assertThat(daemon.status().subjects().getFirst().counters()).containsEntry("ram.granted", 0L);
            assertThat(log.size()).as(() -> "lines of log:\n" + everything()).isLessThan(3000);
            assertThat(log).noneMatch(line -> line.contains("Exception") || line.contains("the daemon failed"));
        }
        serving.join();
    }

    private Process start(Path socket, List<Deed> deeds, String output) throws IOException {
        List<Object> arguments = new ArrayList<>(List.of(socket, seed));
        arguments.addAll(deeds);
        Process process = Jvm.start(Deed.Main.class, directory.resolve(output).toFile(), arguments.toArray());
        started.add(process);
        return process;
    }

    private void goesOn(Process steady, Path progress, long before, String beside) throws InterruptedException {
        await(
                "the steady client goes on beside " + beside,
                () -> !steady.isAlive() || steps(progress) > before + STEPS_BESIDE);
        assertThat(steady.isAlive())
                .as(() -> "the steady client lives on beside " + beside + everything())
                .isTrue();
    }

    private void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline)
                    .as(() -> what + " has not come true\n" + everything())
                    .isNegative();
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private static long steps(Path progress) {
        try {
            byte[] bytes = Files.readAllBytes(progress);
            return bytes.length < Long.BYTES ? 0 : MemorySegment.ofArray(bytes).get(JAVA_LONG_UNALIGNED, 0);
        } catch (IOException e) {
            return 0;
        }
    }

    private static int descriptors() {
        String[] all = new File("/proc/self/fd").list();
        return all == null ? 0 : all.length;
    }

    /** Of sessions. */
    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().matches("(control|pump|evictor)-.*"))
                .count();
    }

    private static List<String> mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:")).toList();
        }
    }

    private String everything() {
        StringBuilder text = new StringBuilder();
        File[] files = directory.toFile().listFiles((_, name) -> name.endsWith(".log"));
        for (File file : files == null ? new File[0] : files) {
            text.append("---- ").append(file.getName()).append('\n').append(Jvm.text(file));
        }
        text.append("---- daemon\n");
        log.stream()
                .skip(Math.max(0, log.size() - 40))
                .forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }
}
