package org.heteromem.bench.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs {@link Program} with all of its memory in RAM, with parts of it overflowing, and beside that with a memory-mapped
 * file under a limit of the kernel's, where a control group can be made.
 */
final class WholePrograms {
    private static final Pattern RESULT = Pattern.compile("nanos=(\\d+) digest=([0-9a-f]+)");
    private static final int REPEATS = 3;
    private static final int MOST_TRIES = 50;
    private static final double HALF_GOAL = 2.5;
    private static final double QUARTER_GOAL = 1.5;

    /** What a JVM has beside the program's memory, in a control group. */
    private static final long JVM_BYTES = 48L << 20;

    private record Result(double seconds, String digest) {}

    private final Table table;
    private final int mebibytes;
    private final Path files;

    WholePrograms(Table table, int mebibytes, Path files) {
        this.table = table;
        this.mebibytes = mebibytes;
        this.files = files;
    }

    void run(String name) throws IOException {
        Result inRam = median(name, "plain", List.of());
        long bytes = (long) mebibytes << 20;
        for (int part : List.of(4, 2)) {
            long ram = bytes - bytes / part;
            String what =
                    "`" + name + "`, " + mebibytes + " MiB, " + (part == 2 ? "half" : "a quarter") + " on `compressed`";
            Result live = median(name, "live:" + ram, List.of());
            if (!live.digest.equals(inRam.digest)) {
                throw new IllegalStateException(
                        what + ": the result is " + live.digest + " instead of " + inRam.digest);
            }
            table.atMost(what, live.seconds, inRam.seconds, "s", part == 2 ? HALF_GOAL : QUARTER_GOAL);
            mapped(name, ram, inRam);
        }
    }

    private void mapped(String name, long ram, Result inRam) throws IOException {
        String what = "beside it: a mapped file, limit " + (ram >> 20) + " MiB and the JVM's " + (JVM_BYTES >> 20);
        List<String> wrapper;
        Path group;
        try {
            group = group(ram + JVM_BYTES);
        } catch (IOException e) {
            table.notRun(what, "no control group with a memory limit can be made here (" + e.getMessage() + ")");
            return;
        }
        try {
            wrapper = List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
            Result result = median(
                    name,
                    "file:"
                            + files.resolve(
                                    "heteromem-bench-" + ProcessHandle.current().pid()),
                    wrapper);
            table.beside(
                    what,
                    Table.number(result.seconds, "s"),
                    Table.number(inRam.seconds, "s"),
                    Table.ratio(result.seconds / inRam.seconds));
        } finally {
            delete(group);
        }
    }

    /** A group is busy for a moment after its last process has ended. */
    private static void delete(Path group) throws IOException {
        for (int tries = 1; ; tries++) {
            try {
                Files.deleteIfExists(group);
                return;
            } catch (FileSystemException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
                DaemonProcess.sleep(100);
            }
        }
    }

    /** Of version 2 if the system has it, else of version 1. */
    private static Path group(long limit) throws IOException {
        Path unified = Path.of("/sys/fs/cgroup");
        boolean second = Files.exists(unified.resolve("cgroup.controllers"));
        Path group = (second ? unified : unified.resolve("memory"))
                .resolve("heteromem-bench-" + ProcessHandle.current().pid());
        Files.createDirectory(group);
        try {
            Files.writeString(group.resolve(second ? "memory.max" : "memory.limit_in_bytes"), Long.toString(limit));
        } catch (IOException e) {
            Files.deleteIfExists(group);
            throw e;
        }
        return group;
    }

    private Result median(String name, String memory, List<String> wrapper) throws IOException {
        double[] seconds = new double[REPEATS];
        String digest = "";
        for (int i = 0; i < REPEATS; i++) {
            Result one = one(name, memory, wrapper);
            seconds[i] = one.seconds;
            digest = one.digest;
        }
        return new Result(Samples.median(seconds), digest);
    }

    private Result one(String name, String memory, List<String> wrapper) throws IOException {
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:MaxDirectMemorySize=8g",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                name,
                Integer.toString(mebibytes),
                memory));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher match = RESULT.matcher(output);
        if (!match.find()) {
            throw new IllegalStateException(String.join(" ", command) + " failed: " + output);
        }
        return new Result(Long.parseLong(match.group(1)) / 1e9, match.group(2));
    }
}
