package org.heteromem.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.heteromem.core.MemoryManager;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.live.natives.Processes;
import org.heteromem.policy.Policies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every scenario with a private daemon as this user, and then as a user without rights; and how daemons end. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveMemoryTest {
    private static final int NOBODY = 65_534;
    private static final int PATIENCE_SECONDS = 60;

    @ParameterizedTest
    @EnumSource
    void worksAsThisUser(LiveScenario scenario) throws Exception {
        scenario.run();
    }

    @Test
    void worksForAnUnprivilegedUser(@TempDir Path directory) throws Exception {
        List<String> command = new ArrayList<>();
        if (Processes.effectiveUserId() == 0) {
            assumeTrue(
                    Files.isExecutable(Path.of("/usr/bin/setpriv")), "not run: needs /usr/bin/setpriv to drop rights");
            command.addAll(List.of(
                    "/usr/bin/setpriv",
                    "--reuid=" + NOBODY,
                    "--regid=" + NOBODY,
                    "--clear-groups",
                    "--bounding-set=-all",
                    "--inh-caps=-all",
                    "--no-new-privs"));
        }
        Path classes = Files.createDirectory(directory.resolve("classes"));
        Set<String> classPath = new LinkedHashSet<>();
        for (Class<?> one : List.of(
                LiveScenario.class, Heteromem.class, MemoryManager.class, StorageDevice.class, Policies.class)) {
            classPath.add(copyClasses(one, classes).toString()); // the build's own folders may be closed to others
        }
        run("chmod", "-R", "go+rX", directory.toString());
        command.addAll(java(String.join(File.pathSeparator, classPath), LiveScenario.Main.class));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("XDG_RUNTIME_DIR");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines().filter(line -> line.startsWith("passed ")))
                .as(output)
                .containsExactlyElementsOf(Arrays.stream(LiveScenario.values())
                        .map(s -> "passed " + s)
                        .toList());
    }

    @Test
    void aPrivateDaemonEndsWithItsProgramHoweverThatEnds() throws Exception {
        Process program = new ProcessBuilder(java(classPath(), Holder.class))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8))) {
            long pid = Long.parseLong(out.readLine());
            ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
            program.destroyForcibly();
            daemon.onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Opens memory, prints who serves it, and holds it. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] args) throws InterruptedException {
            Heteromem memory = Heteromem.open(Options.ram(LiveScenario.RAM).overflow("ram", LiveScenario.OVERFLOW));
            memory.arena().allocate(2 * LiveScenario.RAM, 8).fill((byte) 1);
            System.out.println(memory.daemonPid());
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    @Test
    void aDaemonThatCannotServeSaysWhy() {
        assertThatExceptionOfType(HeteromemException.class)
                .isThrownBy(() -> Heteromem.open(Options.ram("16M").overflow("tape", "1G")))
                .withMessageContaining("tape");
        assertThatExceptionOfType(HeteromemException.class)
                .isThrownBy(() -> Heteromem.open(Options.ram("4K")))
                .withMessageContaining("4096 bytes");
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static List<String> java(String classPath, Class<?> main) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseParallelGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                main.getName());
    }

    /** Copies what a class was loaded from, folder or jar, and returns what to put into the class path. */
    private static Path copyClasses(Class<?> one, Path to) throws Exception {
        Path from =
                Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (Files.isRegularFile(from)) {
            return Files.copy(from, to.resolve(from.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
        try (Stream<Path> all = Files.walk(from)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else if (!file.endsWith("module-info.class") && !Files.exists(target)) {
                    Files.copy(file, target);
                }
            }
        }
        return to;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }
}
