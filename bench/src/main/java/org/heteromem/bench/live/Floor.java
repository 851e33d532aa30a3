package org.heteromem.bench.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs the C programs of {@code bench/floor} and reads their figures. */
final class Floor {
    /** A fault, in microseconds: medians over the repeats. */
    record Fault(double p50, double p99, double p999) {}

    private static final int PROCESSES = 5;

    private final Path directory;
    private final int pages;

    Floor(Path directory, int pages) {
        this.directory = directory;
        this.pages = pages;
    }

    /** A missing page of a shared file, served by another process from memory by COPY. */
    Fault fault(int blockPages, Where where) {
        List<String> lines = run(
                "lat",
                "shm",
                "proc",
                "missing",
                Integer.toString(blockPages),
                Integer.toString(pages / blockPages),
                "read",
                where == Where.OTHER_CPU ? "diff" : "same",
                "1",
                "5");
        return new Fault(
                median(lines, " p50=([0-9.]+)us"),
                median(lines, " p99=([0-9.]+)us"),
                median(lines, "p99.9=([0-9.]+)us"));
    }

    /**
     * The same by UMap, at p50 in microseconds, the median of five processes: with its threads where the system puts them, or
     * all of it on one CPU.
     */
    double umap(int blockPages, Where where) {
        // Whoever measures may be bound to one CPU itself.
        String[] command = {
            "taskset",
            "-c",
            where == Where.SAME_CPU ? "0" : "0,1",
            directory.resolve("umap").toString(),
            Integer.toString(blockPages),
            Integer.toString(pages / blockPages)
        };
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < PROCESSES; i++) {
            lines.addAll(lines(command));
        }
        return median(lines, " p50=([0-9.]+)us");
    }

    /** Nanoseconds a page to protect, copy and drop batches of 512 pages. */
    double evict() {
        return median(run("evict", "shm", "proc", "512", Integer.toString(pages), "5"), " total=([0-9.]+) ns");
    }

    /** The same, but read by {@code pread} instead of through a mapping that was touched before the clock ran. */
    double evictByRead() {
        return median(run("evict", "shm", "proc", "512", Integer.toString(pages), "5", "4"), " total=([0-9.]+) ns");
    }

    /** Bytes a nanosecond by COPY, 512 pages a call. */
    double promote() {
        List<String> lines = run("fill", "shm", "512", Integer.toString(pages));
        lines.removeIf(line -> !line.contains("UFFDIO_COPY"));
        return median(lines, " ([0-9.]+) GB/s");
    }

    /** What several threads do together. */
    record Bulk(double promoted, double evicted) {}

    /** Bytes a nanosecond by COPY, and nanoseconds a page to evict by {@code pread}, 512 pages a call, by a thread for each CPU. */
    Bulk bulk(int threads) {
        List<String> lines = run("bulk", Integer.toString(threads), "512", Integer.toString(pages), "5");
        return new Bulk(median(lines, " ([0-9.]+) GB/s"), median(lines, " out: ([0-9.]+) ns"));
    }

    /** What else the machine can do at best. */
    List<String> rawLimits() {
        return run("rawlimits");
    }

    private List<String> run(String program, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(directory.resolve(program).toString()));
        command.addAll(List.of(arguments));
        return lines(command.toArray(String[]::new));
    }

    private List<String> lines(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            List<String> lines;
            try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
                lines = new ArrayList<>(reader.lines().toList());
            }
            if (process.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + " failed: " + lines);
            }
            return lines;
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot run " + command[0] + "; bench/floor/build makes the floor's programs", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static double median(List<String> lines, String pattern) {
        Pattern figure = Pattern.compile(pattern);
        double[] found = lines.stream()
                .map(figure::matcher)
                .filter(Matcher::find)
                .mapToDouble(match -> Double.parseDouble(match.group(1)))
                .toArray();
        if (found.length == 0) {
            throw new IllegalStateException("no '" + pattern + "' in " + lines);
        }
        return Samples.median(found);
    }
}
