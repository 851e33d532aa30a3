package org.heteromem.live.daemon;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Starts classes of this class path in JVMs of their own, and finds them again. */
public final class Jvm {
    private Jvm() {}

    static Process start(Class<?> main, File output, Object... arguments) throws IOException {
        return start(main, ProcessBuilder.Redirect.appendTo(output), arguments);
    }

    static Process start(Class<?> main, ProcessBuilder.Redirect output, Object... arguments) throws IOException {
        return start(command(main, arguments), output);
    }

    private static Process start(List<String> command, ProcessBuilder.Redirect output) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output)
                .start();
    }

    /** With more options for the JVM, which have precedence. */
    static Process startWith(List<String> options, Class<?> main, File output, Object... arguments) throws IOException {
        List<String> command = command(main, arguments);
        command.addAll(command.indexOf("-cp"), options);
        return start(command, ProcessBuilder.Redirect.appendTo(output));
    }

    /** With so many jars on its class path that are not there. */
    static Process startPadded(int jars, Class<?> main, File output, Object... arguments) throws IOException {
        List<String> command = command(main, arguments);
        int classes = command.indexOf("-cp") + 1;
        StringBuilder padded = new StringBuilder(command.get(classes));
        for (int i = 0; i < jars; i++) {
            padded.append(File.pathSeparator)
                    .append("/nowhere/repository/org/example/library-" + i + "/library-" + i + ".jar");
        }
        command.set(classes, padded.toString());
        return start(command, ProcessBuilder.Redirect.appendTo(output));
    }

    /** A command line. */
    public static List<String> command(Class<?> main, Object... arguments) {
        String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classes,
                main.getName()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return command;
    }

    /** In a process that {@link #start} has started: whether its parent has not yet said that it is enough. */
    static BooleanSupplier inputGoesOn() {
        Thread reader = Thread.ofPlatform().daemon().start(() -> {
            try {
                System.in.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return reader::isAlive;
    }

    /** Ends the input of a process, which tells it to come to an end; no matter if it has ended already. */
    static void endInput(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            if (process.isAlive()) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** What a process has said. */
    static String text(File output) {
        try {
            return Files.readString(output.toPath());
        } catch (IOException e) {
            return "cannot read " + output + ": " + e;
        }
    }

    /** Processes that run a class and have a word among their arguments. */
    static Stream<ProcessHandle> running(Class<?> main, String word) {
        return ProcessHandle.allProcesses().filter(process -> {
            List<String> words = words(process.pid());
            return words.contains(main.getName()) && words.stream().anyMatch(w -> w.startsWith(word));
        });
    }

    /** All of them: {@link ProcessHandle.Info} knows the first 4096 bytes only. */
    private static List<String> words(long pid) {
        try {
            return List.of(
                    Files.readString(Path.of("/proc/" + pid + "/cmdline")).split("\0", -1));
        } catch (IOException e) {
            return List.of(); // it has ended
        }
    }
}
