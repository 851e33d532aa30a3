package org.heteromem.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.heteromem.live.natives.Processes;

/** JVMs of a user who has no rights: nobody, if the tests run as root, and else whoever runs them. */
public final class OtherUser {
    /** Who that is for root. */
    public static final int NOBODY = 65_534;

    private OtherUser() {}

    /**
     * {@return the command that runs a class as that user, on a copy of this class path: the build's own folders may be
     * closed to others}
     *
     * @param directory for the copy; everybody may read it afterwards
     * @param properties of the system, such as {@code name=value}
     */
    public static List<String> command(Path directory, List<String> properties, Class<?> main, Object... arguments)
            throws IOException, InterruptedException {
        List<String> command = withoutRights();
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseParallelGC",
                "--enable-native-access=ALL-UNNAMED"));
        properties.forEach(property -> command.add("-D" + property));
        command.addAll(List.of("-cp", classPath(directory), main.getName()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return command;
    }

    /** {@return the words before a command that make it that user's; empty if it is already} */
    public static List<String> withoutRights() {
        List<String> words = new ArrayList<>();
        if (Processes.effectiveUserId() == 0) {
            assumeTrue(
                    Files.isExecutable(Path.of("/usr/bin/setpriv")), "not run: needs /usr/bin/setpriv to drop rights");
            words.addAll(List.of(
                    "/usr/bin/setpriv",
                    "--reuid=" + NOBODY,
                    "--regid=" + NOBODY,
                    "--clear-groups",
                    "--bounding-set=-all",
                    "--inh-caps=-all",
                    "--no-new-privs"));
        }
        return words;
    }

    /** Starts such a command; a service's folder of this user is not that of the other. */
    public static Process start(List<String> command, ProcessBuilder.Redirect output) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output);
        builder.environment().remove("XDG_RUNTIME_DIR");
        return builder.start();
    }

    private static String classPath(Path directory) throws IOException, InterruptedException {
        Path classes = directory.resolve("classes");
        Set<String> copied = new LinkedHashSet<>();
        copied.add(classes.toString());
        boolean fresh = Files.notExists(classes);
        Files.createDirectories(classes);
        String own = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        for (String element : own.split(File.pathSeparator, -1)) {
            Path from = Path.of(element);
            if (Files.isRegularFile(from)) {
                Path to = directory.resolve(from.getFileName());
                copied.add(to.toString());
                if (fresh) {
                    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
                }
            } else if (fresh && Files.isDirectory(from)) {
                copyClasses(from, classes);
            }
        }
        run("chmod", "-R", "go+rX", directory.toString());
        return String.join(File.pathSeparator, copied);
    }

    private static void copyClasses(Path from, Path to) throws IOException {
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
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }

    /**
     * {@return a folder that everybody may write to}
     *
     * @param directory where
     */
    public static Path folderOfEverybody(Path directory) throws IOException {
        Path folder = Files.createDirectory(directory.resolve("everybody"));
        return Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    }
}
