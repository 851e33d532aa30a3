package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.heteromem.live.OtherUser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every scenario as this user with all rights that it has, and then as a user without any. */
class FaultsAcrossProcessesTest {
    @ParameterizedTest
    @EnumSource
    void servesWithTheRightsOfThisUser(FaultScenario scenario) throws Exception {
        scenario.run(bestRoute(), Userfault.DEVICE);
    }

    @Test
    void servesAnUnprivilegedUserInUserMode(@TempDir Path directory) throws Exception {
        runAsNobody(directory, Userfault.Route.SYSCALL_USER_MODE, Userfault.DEVICE);
    }

    @Test
    void servesAnUnprivilegedUserFullyByTheDevice(@TempDir Path directory) throws Exception {
        assumeTrue(Processes.effectiveUserId() == 0, "not run: making a device file for another user needs root");
        assumeTrue(Files.exists(Userfault.DEVICE), "not run: this kernel has no /dev/userfaultfd (Linux 6.1)");
        Path device = directory.resolve("userfaultfd");
        String number = new String(
                        new ProcessBuilder("stat", "-c", "%t %T", Userfault.DEVICE.toString())
                                .start()
                                .getInputStream()
                                .readAllBytes(),
                        StandardCharsets.UTF_8)
                .strip();
        String[] majorMinor = number.split(" ", 2);
        run("mknod", device.toString(), "c", "0x" + majorMinor[0], "0x" + majorMinor[1]);
        run("chown", Integer.toString(OtherUser.NOBODY), device.toString());
        assumeTrue(
                Userfault.probe(Userfault.Route.DEVICE, device).works(),
                "not run: the temporary directory is mounted without device files");
        runAsNobody(directory, Userfault.Route.DEVICE, device);
    }

    private static Userfault.Route bestRoute() {
        for (Userfault.Route route : Userfault.Route.values()) {
            if (Userfault.probe(route, Userfault.DEVICE).works()) {
                return route;
            }
        }
        throw new AssertionError("userfaultfd cannot be opened here by any route; see the doctor");
    }

    private static void runAsNobody(Path directory, Userfault.Route route, Path device) throws Exception {
        List<String> command = OtherUser.withoutRights();
        // The build's own folders may be closed to others.
        Path classes = Files.createDirectory(directory.resolve("classes"));
        copyClasses(FaultScenario.class, classes);
        copyClasses(Userfault.class, classes);
        run("chmod", "-R", "go+rX", directory.toString());
        List<String> java = ClientProcess.command(FaultScenario.Main.class, route.name(), device.toString());
        java.set(java.indexOf("-cp") + 1, classes.toString());
        command.addAll(java);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines().filter(line -> line.startsWith("passed ")))
                .as(output)
                .containsExactlyElementsOf(Arrays.stream(FaultScenario.values())
                        .map(s -> "passed " + s)
                        .toList());
        assertThat(output).doesNotContain("user 0\n");
    }

    private static void copyClasses(Class<?> one, Path to) throws Exception {
        Path from =
                Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (Stream<Path> all = Files.walk(from)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else if (file.toString().endsWith(".class") && !file.endsWith("module-info.class")) {
                    Files.copy(file, target);
                }
            }
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }
}
