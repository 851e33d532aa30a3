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
import org.heteromem.live.Options;

/**
 * Runs {@link Program} with all of its memory in RAM, with parts of it overflowing, and beside that with a memory-mapped
 * file and with swap under a limit of the kernel's, where a control group and a swap area can be made.
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

    /** Another way to run a program with less RAM than it has data. */
    private final class Rival {
        private final String what;
        private final Way way;
        private final Map<Integer, Results> results = new TreeMap<>();
        private String notRun = "";

        Rival(String what, Way way) {
            this.what = what;
            this.way = way;
        }

        void run(String name, int part, long ram) throws IOException {
            if (notRun.isEmpty()) {
                try {
                    results.computeIfAbsent(part, _ -> new Results()).add(way.run(name, ram));
                } catch (FileSystemException e) {
                    notRun = "this cannot be set up here (" + e + ")";
                }
            }
        }

        void row(int part, long ram, Results inRam) {
            String row = "beside it: " + what.formatted(ram >> 20, JVM_BYTES >> 20);
            if (notRun.isEmpty()) {
                Results ours = need(results, part);
                ours.requireSame(inRam, row);
                double seconds = ours.seconds();
                table.beside(
                        row,
                        Table.number(seconds, "s"),
                        Table.number(inRam.seconds(), "s"),
                        Table.ratio(seconds / inRam.seconds()));
            } else {
                table.notRun(row, notRun);
            }
        }
    }

    /** How. */
    @FunctionalInterface
    private interface Way {
        /**
         * Runs a program with so much RAM.
         *
         * @throws FileSystemException if the system does not let it be set up
         */
        Result run(String name, long ram) throws IOException;
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
        try (DaemonProcess running =
                DaemonProcess.startForMany(new DaemonProcess.Managed(2 * bytes, "compressed", 2 * bytes))) {
            run(name, bytes, running);
        }
    }

    private void run(String name, long bytes, DaemonProcess running) throws IOException {
        Results inRam = new Results();
        Results zeroedOnce = new Results();
        Map<Integer, Results> live = new TreeMap<>();
        List<Rival> rivals = List.of(
                new Rival(
                        "a daemon that has served others before",
                        (what, ram) -> oneAt(running.socket(), what, "live:" + ram)),
                new Rival("a mapped file, limit %d MiB and the JVM's %d", this::mapped),
                new Rival("swap to `zram` by LZ4, limit %d MiB and the JVM's %d", this::swapped));
        oneAt(running.socket(), name, "live:" + bytes / 2);
        for (int i = 0; i < REPEATS; i++) {
            // In turn, so that what else the machine does meets all of them alike.
            inRam.add(one(name, "plain", List.of()));
            zeroedOnce.add(one(name, "anonymous", List.of()));
            for (int part : PARTS) {
                long ram = bytes - bytes / part;
                live.computeIfAbsent(part, _ -> new Results()).add(one(name, "live:" + ram, List.of()));
                for (Rival rival : rivals) {
                    rival.run(name, part, ram);
                }
            }
        }
        for (int part : PARTS) {
            String what =
                    "`" + name + "`, " + mebibytes + " MiB, " + (part == 2 ? "half" : "a quarter") + " on `compressed`";
            Results ours = need(live, part);
            ours.requireSame(inRam, what);
            table.atMost(what, ours.seconds(), inRam.seconds(), "s", part == 2 ? HALF_GOAL : QUARTER_GOAL);
            rivals.forEach(rival -> rival.row(part, bytes - bytes / part, inRam));
        }
        String row = "`" + name + "`, " + mebibytes
                + " MiB in RAM that the system zeroes when it is touched, and nobody else";
        zeroedOnce.requireSame(inRam, row);
        table.beside(
                row,
                Table.number(zeroedOnce.seconds(), "s"),
                Table.number(inRam.seconds(), "s"),
                Table.ratio(zeroedOnce.seconds() / inRam.seconds()));
    }

    private static Results need(Map<Integer, Results> results, int part) {
        return Objects.requireNonNull(results.get(part));
    }

    private Result mapped(String name, long ram) throws IOException {
        Path file = files.resolve("heteromem-bench-" + ProcessHandle.current().pid());
        return limited(name, "file:" + file, ram);
    }

    private Result swapped(String name, long ram) throws IOException {
        try (Swap _ = Swap.on((long) mebibytes << 21)) {
            // Pages that an arena zeroes would be swapped out as zeros before the program has seen them.
            return limited(name, "anonymous", ram);
        }
    }

    private Result limited(String name, String memory, long ram) throws IOException {
        Path group = group(ram + JVM_BYTES);
        try {
            return one(
                    name,
                    memory,
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
        return run(new ProcessBuilder(command(name, memory, wrapper)));
    }

    private Result oneAt(Path socket, String name, String memory) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command(name, memory, List.of()));
        builder.environment().put(Options.SOCKET_VARIABLE, socket.toString());
        return run(builder);
    }

    private List<String> command(String name, String memory, List<String> wrapper) {
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
        return command;
    }

    private static Result run(ProcessBuilder builder) throws IOException {
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher match = RESULT.matcher(output);
        if (!match.find()) {
            throw new IllegalStateException(String.join(" ", builder.command()) + " failed (status "
                    + process.onExit().join().exitValue() + "): " + output);
        }
        return new Result(Long.parseLong(match.group(1)) / 1e9, match.group(2));
    }
}
