package org.heteromem.cli.victims;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.heteromem.cli.workload.RecordingMachine;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.policy.Policies;

/** Prints the tables of docs/performance.md on victims: {@code tools/victims}. */
public final class VictimTable {
    /** RAM in pages for the streams that are made up. */
    static final int RAM = 1000;

    private static final int LENGTH = 400_000;
    private static final long SEED = 20260711;
    private static final List<String> WORKLOADS =
            List.of("pagerank", "sort", "hashjoin", "wordcount", "kmeans", "matmul", "triad");
    private static final List<String> POLICIES =
            Policies.victims().stream().map(VictimPolicy::name).toList().reversed();

    private static final String SAMPLED = Policies.DEFAULT_VICTIMS + Policies.SAMPLING;

    private VictimTable() {}

    /** The streams that are made up, by what they are called. */
    static Map<String, Supplier<int[]>> madeUp() {
        Map<String, Supplier<int[]>> streams = new LinkedHashMap<>();
        streams.put("scan and hot set of 0.5 RAM", () -> Streams.scanAndHotSet(500, 0.5, 20 * RAM, LENGTH, SEED));
        streams.put("scan and hot set of 0.8 RAM", () -> Streams.scanAndHotSet(800, 0.5, 20 * RAM, LENGTH, SEED));
        streams.put("the same, 8 hot sets in turn", () -> Streams.changingHotSet(800, 8, 8 * RAM, LENGTH, SEED));
        streams.put("zipf 0.7 over 8 RAM", () -> Streams.zipf(8 * RAM, 0.7, LENGTH, SEED));
        streams.put("zipf 0.9 over 8 RAM", () -> Streams.zipf(8 * RAM, 0.9, LENGTH, SEED));
        streams.put("zipf 1.1 over 8 RAM", () -> Streams.zipf(8 * RAM, 1.1, LENGTH, SEED));
        streams.put("uniform over 2 RAM", () -> Streams.zipf(2 * RAM, 0, LENGTH, SEED));
        streams.put("loop of 1.1 RAM", () -> Streams.loop(RAM * 11 / 10, LENGTH));
        streams.put("loop of 1.5 RAM", () -> Streams.loop(RAM * 3 / 2, LENGTH));
        streams.put("loop of 4 RAM", () -> Streams.loop(4 * RAM, LENGTH));
        streams.put("sliding window of 0.7 RAM", () -> Streams.slidingWindow(700, 6, 0, 30 * RAM, LENGTH, SEED));
        streams.put(
                "sliding window of 0.5 RAM and scan", () -> Streams.slidingWindow(500, 6, 0.3, 30 * RAM, LENGTH, SEED));
        streams.put("sliding window of 1.5 RAM", () -> Streams.slidingWindow(1500, 6, 0, 30 * RAM, LENGTH, SEED));
        streams.put("loop, zipf, scan and hot set in turn", VictimTable::inTurn);
        return streams;
    }

    private static int[] inTurn() {
        int[] loop = Streams.loop(2 * RAM, LENGTH / 8);
        int[] zipf = Streams.zipf(4 * RAM, 0.9, LENGTH / 8, SEED);
        int[] scan = Streams.scanAndHotSet(500, 0.5, 10 * RAM, LENGTH / 8, SEED);
        return Streams.after(loop, zipf, scan, loop, zipf, scan);
    }

    /**
     * Prints the tables.
     *
     * @param arguments none, or the memory of the workloads in MiB instead of 8
     */
    public static void main(String[] arguments) {
        long mib = arguments.length == 0 ? 8 : Long.parseLong(arguments[0]);
        System.out.println("Hits, in percent of all touches; RAM of " + RAM + " pages:\n");
        head("touches");
        madeUp().forEach((name, made) -> {
            int[] stream = made.get();
            row(name, stream, RAM, hits -> String.format(Locale.ROOT, "%.1f", 100.0 * hits / stream.length));
        });
        System.out.println("\nPages missed that had been there, for workloads of about " + mib + " MiB:\n");
        head("workload, RAM in pages");
        for (String workload : WORKLOADS) {
            int[] stream = RecordingMachine.record(workload, mib << 20, SEED);
            long pages = Arrays.stream(stream).distinct().count();
            for (int part = 2; part <= 4; part += 2) {
                int ram = (int) (pages / part);
                row(
                        workload + ", " + ram + " of " + pages,
                        stream,
                        ram,
                        hits -> Long.toString(stream.length - hits - pages));
            }
        }
    }

    private static void head(String first) {
        System.out.println("| " + first + " | " + String.join(" | ", POLICIES) + " | " + SAMPLED
                + " | faults for that | LRU that sees all | optimum |");
        System.out.println("|---" + "|---".repeat(POLICIES.size()) + "|---|---|---|---|");
    }

    private static void row(String name, int[] stream, int ram, LongFunction<String> figure) {
        StringBuilder line = new StringBuilder("| " + name);
        for (String policy : POLICIES) {
            line.append(" | ").append(figure.apply(Simulation.run(stream, ram, Policies.victims(policy))));
        }
        Simulation.Result sampled = Simulation.result(stream, ram, Policies.victims(SAMPLED));
        line.append(" | ").append(figure.apply(sampled.hits())).append(" | ").append(sampled.accesses());
        line.append(" | ").append(figure.apply(Simulation.lru(stream, ram)));
        line.append(" | ").append(figure.apply(Simulation.optimum(stream, ram)));
        System.out.println(line.append(" |"));
    }
}
