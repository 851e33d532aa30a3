package org.heteromem.bench.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
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

    /** Which part of the data does not fit: one in so many. */
    private static final List<Integer> PARTS = List.of(4, 2);

    private record Result(double seconds, String digest) {}

    /** Of runs of the same. */
    private static final class Results {
        private final List<Result> all = new ArrayList<>();

        void add(Result result) {
            all.add(result);
        }

        double seconds() {
            return Samples.median(all.stream().mapToDouble(Result::seconds).toArray());
        }

        void requireSame(Results others, String what) {
            String expected = others.all.getFirst().digest;
            for (Result result : all) {
                if (!result.digest.equals(expected)) {
                    throw new IllegalStateException(
                            what + ": the result is " + result.digest + " instead of " + expected);
                }
            }
        }
    }

    private final Table table;
    private final int mebibytes;
    private final Path files;

    WholePrograms(Table table, int mebibytes, Path files) {
        this.table = table;
        this.mebibytes = mebibytes;
        this.files = files;
    }

    void run(String name) throws IOException {
        long bytes = (long) mebibytes << 20;
        Results inRam = new Results();
        Map<Integer, Results> live = new TreeMap<>();
        Map<Integer, Results> mapped = new TreeMap<>();
        String notRun = "";
        for (int i = 0; i < REPEATS; i++) {
            // In turn, so that what else the machine does meets all of them alike.
            inRam.add(one(name, "plain", List.of()));
            for (int part : PARTS) {
                long ram = bytes - bytes / part;
                live.computeIfAbsent(part, _ -> new Results()).add(one(name, "live:" + ram, List.of()));
                try {
                    mapped.computeIfAbsent(part, _ -> new Results()).add(mapped(name, ram));
                } catch (FileSystemException e) {
                    notRun = "no control group with a memory limit can be made here (" + e.getMessage() + ")";
                }
            }
        }
        for (int part : PARTS) {
            String what =
                    "`" + name + "`, " + mebibytes + " MiB, " + (part == 2 ? "half" : "a quarter") + " on `compressed`";
            Results ours = need(live, part);
            ours.requireSame(inRam, what);
            table.atMost(what, ours.seconds(), inRam.seconds(), "s", part == 2 ? HALF_GOAL : QUARTER_GOAL);
            long limit = (bytes - bytes / part) >> 20;
            String beside = "beside it: a mapped file, limit " + limit + " MiB and the JVM's " + (JVM_BYTES >> 20);
            if (notRun.isEmpty()) {
                double seconds = need(mapped, part).seconds();
                table.beside(
                        beside,
                        Table.number(seconds, "s"),
                        Table.number(inRam.seconds(), "s"),
                        Table.ratio(seconds / inRam.seconds()));
            } else {
                table.notRun(beside, notRun);
            }
        }
    }

    private static Results need(Map<Integer, Results> results, int part) {
        return Objects.requireNonNull(results.get(part));
    }

    private Result mapped(String name, long ram) throws IOException {
        Path group = group(ram + JVM_BYTES);
        try {
            Path file =
                    files.resolve("heteromem-bench-" + ProcessHandle.current().pid());
            return one(
                    name,
                    "file:" + file,
                    List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\"", "sh"));
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
