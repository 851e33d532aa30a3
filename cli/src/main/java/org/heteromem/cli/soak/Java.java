package org.heteromem.cli.soak;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** JVMs with the code of this one, and those that run here. */
final class Java {
    private Java() {}

    /** {@return a command that runs a class of this class path} */
    static List<String> command(String heap, String collector, Class<?> main) {
        String classPath = Arrays.stream(
                        System.getProperty("java.class.path", "").split(File.pathSeparator, -1))
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                heap,
                collector,
                "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                main.getName()));
    }

    /** {@return processes that run a class and have an argument} */
    static Stream<ProcessHandle> running(String main, String argument) {
        return ProcessHandle.allProcesses().filter(process -> {
            List<String> words = words(process);
            return words.contains(main) && words.contains(argument);
        });
    }

    /** {@return the argument that follows a word, if the process is still there} */
    static Optional<String> argumentAfter(ProcessHandle process, String word) {
        List<String> words = words(process);
        int at = words.indexOf(word);
        return at < 0 || at + 1 >= words.size() ? Optional.empty() : Optional.of(words.get(at + 1));
    }

    /** Not {@link ProcessHandle#info}, which has no arguments of a command with a long class path. */
    private static List<String> words(ProcessHandle process) {
        try {
            byte[] line = Files.readAllBytes(Path.of("/proc/" + process.pid() + "/cmdline"));
            return List.of(new String(line, StandardCharsets.UTF_8).split("\0", -1));
        } catch (IOException _) {
            // It has just ended.
            return List.of();
        }
    }
}
