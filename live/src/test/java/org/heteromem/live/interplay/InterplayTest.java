package org.heteromem.live.interplay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Runs {@link Interplay} in JVMs of their own, with the parallel collector; needs a machine that allows live mode. */
class InterplayTest {
    private static final long PATIENCE_SECONDS = 300;
    private static final int LOOKS = 4;
    private static final Pattern EVICTIONS = Pattern.compile("evictions ([0-9]+)");

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() throws InterruptedException {
        for (Process process : started) {
            process.destroyForcibly().waitFor();
        }
    }

    private static Path tool(String name) {
        return Path.of(System.getProperty("java.home"), "bin", name);
    }

    private Process start(Path output, List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        started.add(process);
        return process;
    }

    private Process start(Interplay what, Path output) throws IOException {
        String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return start(
                output,
                List.of(
                        tool("java").toString(),
                        "-Xmx192m",
                        "-XX:+UseParallelGC",
                        "--add-modules",
                        "jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classes,
                        Interplay.Main.class.getName(),
                        what.name()));
    }

    private static void endsWell(Process process, Path output) throws IOException, InterruptedException {
        boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        String said = Files.readString(output);
        assertThat(ended).as(said).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
    }

    private static void hasEvicted(Path output) throws IOException {
        Matcher evictions = EVICTIONS.matcher(Files.readString(output));
        assertThat(evictions.find()).isTrue();
        assertThat(Long.parseLong(evictions.group(1))).isPositive();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "THREADS_FAULT_ALL_THE_TIME")
    void itWorksAsOnPlainMemory(Interplay what) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        endsWell(start(what, output), output);
        hasEvicted(output);
        System.out.println(what + ": "
                + Files.readString(output, StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.startsWith("evictions"))
                        .findFirst()
                        .orElseThrow());
    }

    @Test
    void threadsAreShownWhileTheyAreInFaults() throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        Process process = start(Interplay.THREADS_FAULT_ALL_THE_TIME, output);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.readString(output).contains("faulting")) {
            assertThat(process.isAlive() && System.nanoTime() - deadline < 0)
                    .as(Files.readString(output))
                    .isTrue();
            TimeUnit.MILLISECONDS.sleep(20);
        }
        String pid = Long.toString(process.pid());
        for (int look = 0; look < LOOKS; look++) {
            Path shown = folder.resolve("shown-" + look);
            List<String> command = look % 2 == 0
                    ? List.of(tool("jcmd").toString(), pid, "Thread.print")
                    : List.of(tool("jstack").toString(), pid);
            endsWell(start(shown, command), shown);
            assertThat(Files.readString(shown))
                    .contains("\"faulting-0\"", "\"faulting-1\"", "\"faulting-2\"", "Interplay");
        }
        process.getOutputStream().close();
        endsWell(process, output);
        hasEvicted(output);
    }
}
