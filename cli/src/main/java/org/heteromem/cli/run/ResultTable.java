package org.heteromem.cli.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.heteromem.core.Page;

/** A result as rows of a name and a value, for people. */
public final class ResultTable {
    private static final String ACCELERATOR = DeviceType.ACCELERATOR.label();
    private static final double NANOS_PER_SECOND = 1e9;

    private ResultTable() {}

    /**
     * One row.
     *
     * @param name what
     * @param value how much, with its unit
     */
    public record Row(String name, String value) {}

    /** {@return the rows of a result} */
    public static List<Row> rows(RunResult result) {
        RunResult.MachineUsed machine = result.machine();
        List<Row> rows = new ArrayList<>();
        rows.add(new Row("workload", result.workload() + ": " + result.input()));
        rows.add(workingSet(result.workingSetBytes(), machine.deviceBytes(), "device"));
        rows.add(new Row(
                "machine",
                String.format(
                        Locale.ROOT,
                        "RAM %s, %s %s, %d CPU threads, %d compute units",
                        Sizes.format(machine.ramBytes()),
                        machine.device(),
                        Sizes.format(machine.deviceBytes()),
                        machine.threads(),
                        machine.units())));
        rows.add(new Row("policy", machine.policy()));
        addTimes(rows, machine.seed(), result.runNanos(), result.plainNanos(), result.slowdown());
        for (Map.Entry<String, Long> faults : result.cpuFaults().entrySet()) {
            rows.add(new Row("CPU faults, " + faults.getKey(), count(faults.getValue())));
        }
        RunResult.DeviceFaults faults = result.deviceFaults();
        rows.add(new Row("device faults", count(faults.faults())));
        rows.add(new Row(
                "fault batches",
                String.format(
                        Locale.ROOT,
                        "%,d, of several faults %,d, largest %,d",
                        faults.batches(),
                        faults.batchesOfSeveral(),
                        faults.largestBatch())));
        for (RunResult.Movement moved : result.moved()) {
            rows.add(movement(moved));
        }
        rows.add(new Row(
                "evictions",
                String.format(
                        Locale.ROOT,
                        "%,d, %s",
                        result.evictions().count(),
                        pages(result.evictions().pages()))));
        addEnd(rows, result.residentPages(), result.results(), result.verified());
        return rows;
    }

    /** {@return the rows of a result of live mode} */
    public static List<Row> rows(LiveResult result) {
        LiveResult.MachineUsed machine = result.machine();
        List<Row> rows = new ArrayList<>();
        rows.add(new Row("workload", result.workload() + ": " + result.input()));
        rows.add(workingSet(result.workingSetBytes(), machine.ramBytes(), "RAM"));
        rows.add(new Row(
                "machine",
                String.format(
                        Locale.ROOT,
                        "live (rights: %s), RAM %s, overflow %s, %d CPU threads, device phases: %s",
                        machine.rights(),
                        Sizes.format(machine.ramBytes()),
                        String.join(" then ", machine.overflow()),
                        machine.threads(),
                        machine.devicePhases())));
        addTimes(rows, machine.seed(), result.runNanos(), result.plainNanos(), result.slowdown());
        rows.add(new Row("page faults", count(result.faults())));
        if (result.kernels() > 0) {
            rows.add(new Row("kernels", count(result.kernels()) + " in the daemon"));
        }
        for (RunResult.Movement moved : result.moved()) {
            boolean ofDevice = moved.from().equals(ACCELERATOR) || moved.to().equals(ACCELERATOR);
            if (!ofDevice || result.kernels() > 0) {
                rows.add(movement(moved));
            }
        }
        rows.add(new Row(
                "evictions",
                String.format(
                        Locale.ROOT,
                        "%s, %,d times while a fault waited",
                        pages(result.evictions().pages()),
                        result.evictions().direct())));
        addEnd(rows, result.residentPages(), result.results(), result.verified());
        return rows;
    }

    private static Row workingSet(long bytes, long memoryBytes, String memory) {
        return new Row(
                "working set",
                String.format(Locale.ROOT, "%s, %.2f x %s", Sizes.format(bytes), (double) bytes / memoryBytes, memory));
    }

    private static void addTimes(List<Row> rows, long seed, long runNanos, long plainNanos, double slowdown) {
        rows.add(new Row("seed", Long.toString(seed)));
        rows.add(new Row("time", seconds(runNanos)));
        rows.add(new Row(
                "plain Java, one thread",
                String.format(Locale.ROOT, "%s, slowdown %.1f x", seconds(plainNanos), slowdown)));
    }

    private static Row movement(RunResult.Movement moved) {
        return new Row(
                "moved, " + (moved.from().equals("none") ? "new" : moved.from()) + " to " + moved.to(),
                pages(moved.pages()) + (moved.bytesCopied() == 0 ? ", no copy" : ""));
    }

    private static void addEnd(List<Row> rows, Map<String, Long> resident, List<String> results, boolean verified) {
        resident.forEach((memory, pages) -> rows.add(new Row("at the end on " + memory, pages(pages))));
        results.forEach(line -> rows.add(new Row("result", line)));
        rows.add(new Row("verified", verified ? "equal to the plain run, bit for bit" : "no"));
    }

    /** {@return rows as lines of text, values in one column} */
    public static List<String> lines(List<Row> rows) {
        int width = rows.stream().mapToInt(row -> row.name().length()).max().orElse(1);
        return rows.stream()
                .map(row -> row.name() + " ".repeat(width + 2 - row.name().length()) + row.value())
                .toList();
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.3f s", nanos / NANOS_PER_SECOND);
    }

    private static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    private static String pages(long pages) {
        return String.format(Locale.ROOT, "%,d pages (%s)", pages, Sizes.format(pages * Page.SIZE));
    }
}
