package org.heteromem.bench.live;

import io.airlift.compress.v3.lz4.Lz4Compressor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.natives.Cpus;

/**
 * Measures live mode and its floor in one run and prints a table of both: {@code bench/live}.
 *
 * <p>Arguments: {@code --floor DIRECTORY [--umap DIRECTORY] [--pages N] [--mebibytes N] [--files DIRECTORY] [PART...]}; the
 * parts are {@code faults blocks bulk compressed resident programs tail safepoints daemon}, all without any.
 */
public final class LiveBenchmark {
    private static final Set<String> PARTS =
            Set.of("faults", "blocks", "bulk", "compressed", "resident", "programs", "tail", "safepoints", "daemon");
    private static final int BLOCK = 16;
    private static final int WARM_UP = 20;
    /** As many faults as by single pages: what a daemon compiles has been called a hundred thousand times. */
    private static final int BLOCK_WARM_UP = BLOCK * WARM_UP;

    private static final int BULK_WARM_UP = 80;
    /** Until a daemon and its client have compiled what questions need, by tens of thousands of them. */
    private static final int ASKED_WARM_UP = 40;

    /** By how many threads a daemon moves what a client asks for in bulk, at most. */
    private static final int MOST_MOVERS = 4;

    private static final int REPEATS = 9;
    /** How often a daemon is looked at that manages much; each takes long. */
    private static final int FULL_LOOKS = 5;

    private static final int ALLOCATION_ROUNDS = 8;
    private static final double MEDIAN = 0.5;
    private static final double P99 = 0.99;
    private static final double P999 = 0.999;

    private final Table table = new Table(System.err);
    private final Floor floor;
    private final int pages;
    private final int mebibytes;
    private final Path files;
    private final boolean umap;

    private LiveBenchmark(Path floor, int pages, int mebibytes, Path files, boolean umap) {
        this.floor = new Floor(floor, pages);
        this.pages = pages;
        this.mebibytes = mebibytes;
        this.files = files;
        this.umap = umap;
    }

    /**
     * Runs it.
     *
     * @param arguments see above
     */
    public static void main(String[] arguments) throws IOException {
        Path floor = Path.of("bench/target/floor");
        int pages = 1 << 14;
        int mebibytes = 1024;
        Path files = Path.of(System.getProperty("java.io.tmpdir"));
        boolean umap = false;
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            boolean last = i + 1 == arguments.length;
            switch (arguments[i]) {
                case "--floor" -> floor = Path.of(value(last, arguments, i++));
                case "--pages" -> pages = Integer.parseInt(value(last, arguments, i++));
                case "--mebibytes" -> mebibytes = Integer.parseInt(value(last, arguments, i++));
                case "--files" -> files = Path.of(value(last, arguments, i++));
                case "--umap" -> {
                    // Where it is the script that compiles against it has been told.
                    value(last, arguments, i++);
                    umap = true;
                }
                default -> {
                    if (!PARTS.contains(arguments[i])) {
                        System.err.println("bench/live: there is no part '" + arguments[i] + "'; choose of " + PARTS);
                        System.exit(2);
                    }
                    parts.add(arguments[i]);
                }
            }
        }
        LiveBenchmark benchmark = new LiveBenchmark(floor, pages, mebibytes, files, umap);
        benchmark.run(parts.isEmpty() ? PARTS : Set.copyOf(parts));
        System.out.print(benchmark.table.markdown());
    }

    private static String value(boolean last, String[] arguments, int i) {
        if (last) {
            System.err.println("bench/live: " + arguments[i] + " needs a value");
            System.exit(2);
        }
        return arguments[i + 1];
    }

    private void run(Set<String> parts) throws IOException {
        if (parts.contains("faults")) {
            faults(Where.OTHER_CPU, 1);
            faults(Where.SAME_CPU, 1);
        }
        if (parts.contains("blocks")) {
            faults(Where.OTHER_CPU, BLOCK);
            faults(Where.SAME_CPU, BLOCK);
        }
        if (parts.contains("bulk")) {
            bulk();
        }
        if (parts.contains("compressed")) {
            compressed();
        }
        if (parts.contains("resident")) {
            resident();
        }
        if (parts.contains("programs")) {
            WholePrograms programs = new WholePrograms(table, mebibytes, files);
            programs.run("hashjoin");
            programs.run("wordcount");
        }
        if (parts.contains("tail")) {
            tail();
        }
        if (parts.contains("safepoints")) {
            safepoints();
        }
        if (parts.contains("daemon")) {
            start();
            footprint();
        }
    }

    // ---- faults ------------------------------------------------------------------------------------------------

    private Floor.Fault mean(Floor.Fault a, Floor.Fault b) {
        return new Floor.Fault((a.p50() + b.p50()) / 2, (a.p99() + b.p99()) / 2, (a.p999() + b.p999()) / 2);
    }

    private static Floor.Fault measure(Live live, int block, int rounds) {
        double[][] figures = new double[3][rounds];
        for (int i = 0; i < rounds; i++) {
            Samples samples = new Samples(live.faults(block));
            figures[0][i] = samples.micros(MEDIAN);
            figures[1][i] = samples.micros(P99);
            figures[2][i] = samples.micros(P999);
        }
        return new Floor.Fault(Samples.median(figures[0]), Samples.median(figures[1]), Samples.median(figures[2]));
    }

    private void faults(Where where, int block) throws IOException {
        try (Live live = new Live(where.cpu, "ram", pages, block)) {
            measure(live, block, block == 1 ? WARM_UP : BLOCK_WARM_UP);
            Floor.Fault before = floor.fault(block, where);
            Floor.Fault ours = measure(live, block, REPEATS);
            Floor.Fault best = mean(before, floor.fault(block, where));
            String what = block * 4 + " KiB fault, " + where.words;
            table.atMost(what + ", p50", ours.p50(), best.p50(), "µs", 1.2);
            if (!umap) {
                table.notRun("beside it: UMap", "no build of it given by `--umap`");
            } else {
                table.atMost(
                        "beside it: UMap, p50, in place of the floor", ours.p50(), floor.umap(block, where), "µs", 1);
            }
            beside(what + ", p99", ours.p99(), best.p99(), "µs");
            beside(what + ", p99.9", ours.p999(), best.p999(), "µs");
        }
    }

    private void beside(String what, double figure, double best, String unit) {
        table.beside(what, Table.number(figure, unit), Table.number(best, unit), Table.ratio(figure / best));
    }

    // ---- bulk --------------------------------------------------------------------------------------------------

    private static double[] times(int n, DoubleSupplier what) {
        double[] all = new double[n];
        for (int i = 0; i < n; i++) {
            all[i] = what.getAsDouble();
        }
        return all;
    }

    private static double median(List<Double> all) {
        return Samples.median(all.stream().mapToDouble(d -> d).toArray());
    }

    /** Medians. */
    private record Both(double ours, double floor) {}

    /** Ours and the floor in turn: a machine that is shared changes its speed by a quarter within seconds. */
    private static Both inTurn(DoubleSupplier ours, DoubleSupplier floor) {
        double[] all = new double[REPEATS];
        double[] best = new double[REPEATS];
        for (int i = 0; i < REPEATS; i++) {
            all[i] = Samples.median(times(3, ours));
            best[i] = floor.getAsDouble();
        }
        return new Both(Samples.median(all), Samples.median(best));
    }

    /** Moves out what was written since it came home. */
    private static double outAndHome(Live live) {
        live.bringHome();
        live.dirtyAll();
        return live.evictAll();
    }

    /** Bytes a nanosecond, and nanoseconds a page. */
    private record Bulk(Both promoted, Both evicted) {}

    private void bulk() throws IOException {
        int cpus = Math.min(Cpus.allowed().cardinality(), MOST_MOVERS);
        List<Floor.Bulk> together = new ArrayList<>();
        Bulk bulk = bulk(-1, () -> together.add(floor.bulk(cpus)));
        table.atLeast("sequential promotion with prefetch", bulk.promoted.ours, bulk.promoted.floor, "GB/s", 0.85);
        beside(
                "beside it: a floor of " + cpus + " threads, as the daemon has",
                bulk.promoted.ours,
                median(together.stream().map(Floor.Bulk::promoted).toList()),
                "GB/s");
        List<Double> read = new ArrayList<>();
        Bulk bound = bulk(1, () -> read.add(floor.evictByRead()));
        beside("beside it: a daemon that has one CPU", bound.promoted.ours, bound.promoted.floor, "GB/s");
        table.atMost("eviction, batch 512, a page", bulk.evicted.ours, bulk.evicted.floor, "ns", 1.25);
        beside(
                "beside it: a floor of " + cpus + " threads that reads by `pread`, as the daemon does",
                bulk.evicted.ours,
                median(together.stream().map(Floor.Bulk::evicted).toList()),
                "ns");
        beside("beside it: a daemon that has one CPU", bound.evicted.ours, bound.evicted.floor, "ns");
        beside("the same, and a floor that reads by `pread`", bound.evicted.ours, median(read), "ns");
    }

    private Bulk bulk(int daemonCpu, Runnable besideIt) throws IOException {
        try (Live live = new Live(daemonCpu, "ram", pages, 1)) {
            times(BULK_WARM_UP, live::promoteAll);
            times(BULK_WARM_UP, () -> outAndHome(live));
            return new Bulk(inTurn(live::promoteAll, floor::promote), inTurn(() -> outAndHome(live), () -> {
                besideIt.run();
                return floor.evict();
            }));
        }
    }

    private void compressed() throws IOException {
        for (Where where : Where.values()) {
            try (Live live = new Live(where.cpu, "compressed", pages, 1)) {
                times(BULK_WARM_UP / 4, live::promoteAll);
                measure(live, 1, WARM_UP);
                Floor.Fault fault = floor.fault(1, where);
                Floor.Fault ours = measure(live, 1, REPEATS);
                fault = mean(fault, floor.fault(1, where));
                table.limit(
                        "4 KiB fault on `compressed`, " + where.words + ", p50 above the floor's",
                        ours.p50() - fault.p50(),
                        "µs",
                        6);
            }
        }
        List<Double> codec = new ArrayList<>();
        Both out = out(-1, codec);
        table.atLeast(
                "out to `compressed`, pages a µs, against LZ4 and eviction floor",
                1e3 / out.ours,
                1e3 / out.floor,
                "/µs",
                0.8);
        Both bound = out(1, codec);
        beside("beside it: a daemon that has one CPU", 1e3 / bound.ours, 1e3 / bound.floor, "/µs");
        table.beside("LZ4 alone, a page", Table.number(median(codec), "ns"), "–", "–");
    }

    private Both out(int daemonCpu, List<Double> codec) throws IOException {
        try (Live live = new Live(daemonCpu, "compressed", pages, 1)) {
            times(BULK_WARM_UP, () -> outAndHome(live));
            live.bringHome();
            times(5, () -> codec(live.segment));
            return inTurn(() -> outAndHome(live), () -> {
                live.bringHome();
                codec.add(codec(live.segment));
                return codec.getLast() + floor.evict();
            });
        }
    }

    /** Nanoseconds a page. */
    private double codec(MemorySegment contents) {
        Lz4Compressor compressor = Lz4Compressor.create();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packed = arena.allocate(2L * Live.PAGE, Live.PAGE);
            long begin = System.nanoTime();
            for (long at = 0; at < contents.byteSize(); at += Live.PAGE) {
                compressor.compress(contents.asSlice(at, Live.PAGE), packed);
            }
            return (double) (System.nanoTime() - begin) / pages;
        }
    }

    private void resident() throws IOException {
        try (Live live = new Live(1, "ram", pages, 1);
                Arena arena = Arena.ofShared()) {
            MemorySegment plain = arena.allocate(live.segment.byteSize(), 1 << 21);
            plain.copyFrom(live.segment);
            times(WARM_UP, () -> sum(plain) + sum(live.segment));
            List<Double> ours = new ArrayList<>();
            List<Double> theirs = new ArrayList<>();
            for (int i = 0; i < WARM_UP; i++) {
                ours.add(sum(live.segment));
                theirs.add(sum(plain));
            }
            double mine = median(ours);
            double other = median(theirs);
            table.atMost("access to resident memory, 8-byte load in sequence", mine, other, "ns", 1.05);
        }
    }

    /** Nanoseconds a load. */
    private double sum(MemorySegment segment) {
        long begin = System.nanoTime();
        long sum = 0;
        for (long at = 0; at < segment.byteSize(); at += Long.BYTES) {
            sum += segment.get(ValueLayout.JAVA_LONG, at);
        }
        long took = System.nanoTime() - begin;
        if (sum == Long.MIN_VALUE) {
            throw new IllegalStateException("these words cannot add up to that");
        }
        long words = segment.byteSize() / Long.BYTES;
        return (double) took / words;
    }

    // ---- the daemon --------------------------------------------------------------------------------------------

    private void tail() throws IOException {
        // Questions are what makes a daemon collect; faults do not. Asked without a pause they take the CPUs of both
        // processes, and what is waited for then is a turn.
        young("asked 500 times a second", () -> DaemonProcess.sleep(2));
        young("asked without a pause", () -> {});
        full();
        allocation();
    }

    private void young(String how, Runnable pause) throws IOException {
        try (Live live = new Live(1, "ram", pages, 1, "-Xlog:gc")) {
            // Asking is compiled too, on either side, and by threads that wait for the same two CPUs.
            beside(() -> measure(live, 1, ASKED_WARM_UP), live::ask);
            int before = live.collections().size();
            Floor.Fault ours = beside(() -> measure(live, 1, REPEATS), () -> {
                live.ask();
                pause.run();
            });
            table.limit(
                    "4 KiB fault, p99.9, other CPU, while the daemon collects garbage ("
                            + (live.collections().size() - before) + " young collections, " + how + ")",
                    ours.p999() / 1e3,
                    "ms",
                    1);
        }
    }

    /** A daemon hardly ever collects its old generation by itself; how long a fault waits if it does. */
    private void full() throws IOException {
        try (Live live = new Live(1, "ram", pages, 1, "-Xlog:gc");
                DaemonJvm daemon = new DaemonJvm(live.daemonPid())) {
            measure(live, 1, WARM_UP);
            int before = live.collections().size();
            Floor.Fault ours = beside(() -> measure(live, 1, REPEATS), () -> {
                daemon.collect();
                DaemonProcess.sleep(20);
            });
            List<Double> lengths = live.collections();
            lengths = lengths.subList(before, lengths.size());
            table.beside(
                    "beside it: " + lengths.size()
                            + " full collections that were asked for; p99.9 of the faults meanwhile",
                    Table.number(ours.p999() / 1e3, "ms"),
                    "–",
                    "–");
            table.beside("the median length of those collections", Table.number(median(lengths), "ms"), "–", "–");
        }
    }

    /** What is measured, while another thread does something again and again. */
    private static Floor.Fault beside(Supplier<Floor.Fault> measured, Runnable again) {
        AtomicBoolean stop = new AtomicBoolean();
        Thread thread = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                again.run();
            }
        });
        Floor.Fault result = measured.get();
        stop.set(true);
        join(thread);
        return result;
    }

    private void allocation() throws IOException {
        // Objects side by side, and no collection: else what is in use says nothing of what was allocated.
        try (Live live = new Live(1, "ram", pages, 1, "-Xms640m", "-Xmx640m", "-Xmn512m", "-XX:-UseTLAB", "-Xlog:gc");
                DaemonJvm daemon = new DaemonJvm(live.daemonPid())) {
            measure(live, 1, WARM_UP);
            times(WARM_UP, () -> {
                live.evictAll();
                live.touchAll();
                return 0;
            });
            // Readahead brings the same pages with a thirtieth of the faults; what leaves, leaves alike.
            long few = allocated(live, daemon, live::touchAll);
            long many = allocated(live, daemon, () -> live.touch(1));
            table.limit(
                    "allocation for a 4 KiB fault that reads, compiled (no object has fewer than 16 bytes)",
                    Math.max(0, many - few) / ((double) ALLOCATION_ROUNDS * pages),
                    "bytes",
                    4);
            table.beside(
                    "all that is allocated while a page comes by a fault and leaves with others",
                    Table.number(many / ((double) ALLOCATION_ROUNDS * pages), "bytes"),
                    "–",
                    "–");
        }
    }

    /** Bytes that a daemon allocates while pages come home in some way, and leave by bulk moves. */
    private static long allocated(Live live, DaemonJvm daemon, Runnable home) {
        live.bringHome();
        daemon.collect();
        int collections = live.collections().size();
        long before = daemon.youngBytes();
        for (int i = 0; i < ALLOCATION_ROUNDS; i++) {
            live.evictAll();
            home.run();
        }
        long allocated = daemon.youngBytes() - before;
        if (live.collections().size() != collections) {
            throw new IllegalStateException("the daemon has collected garbage while its allocation was measured");
        }
        return allocated;
    }

    static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** A thread in a fault holds up the next safepoint of its JVM. */
    private void safepoints() throws IOException {
        Path file = files.resolve("heteromem-bench-" + ProcessHandle.current().pid());
        Samples plain = Safepoints.measure("plain");
        for (String memory : List.of("ram", "compressed", "file:" + file)) {
            try {
                Samples ours = Safepoints.measure(memory);
                String what = "time to safepoint of a program that touches what is on `" + memory.split(":", 2)[0]
                        + "`, beside plain memory";
                beside(what + ", p50", ours.micros(MEDIAN), plain.micros(MEDIAN), "µs");
                beside(what + ", p99", ours.micros(P99), plain.micros(P99), "µs");
                beside(what + ", the longest", ours.micros(1), plain.micros(1), "µs");
            } finally {
                Files.deleteIfExists(file);
            }
        }
    }

    private void start() {
        double[] seconds = times(REPEATS, () -> {
            long begin = System.nanoTime();
            try (Heteromem memory = Heteromem.open(Options.ram(64L << 20).overflow("compressed", 64L << 20))) {
                double took = (System.nanoTime() - begin) / 1e9;
                if (!memory.isConnected()) {
                    throw new IllegalStateException("the daemon is gone");
                }
                return took;
            }
        });
        table.limit("`Heteromem.open` with a private daemon", Samples.median(seconds), "s", 0.5);
        double[] until = times(REPEATS, () -> {
            long begin = System.nanoTime();
            try (DaemonProcess daemon =
                            DaemonProcess.startForMany(new DaemonProcess.Managed(64L << 20, "compressed", 64L << 20));
                    Heteromem memory = daemon.open(64L << 20)) {
                double took = (System.nanoTime() - begin) / 1e9;
                if (!memory.isConnected()) {
                    throw new IllegalStateException("the daemon is gone");
                }
                return took;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        table.limit(
                "start of a daemon of one's own, until its first client is welcome", Samples.median(until), "s", 0.5);
    }

    private void footprint() throws IOException {
        int many = 1 << 17;
        long bytes = (long) many * Live.PAGE;
        try (Live live = new Live(1, "ram", many, 1)) {
            // RAM and device are twice as large as what is in use; what is managed is what they may hold.
            footprint(live, 4 * bytes, REPEATS);
        }
        // The same with nearly all of it in use, most of it on the device, touched in an order of its own.
        int all = many / 16 * 58;
        try (Live live = new Live(1, bytes / 2, "compressed", bytes / 2 * 7, all, 1)) {
            footprint(live, 4 * bytes, FULL_LOOKS);
        }
    }

    private void footprint(Live live, long managed, int looks) {
        // What the compilers use while they compile goes back within a second or two.
        double[] own = times(looks, () -> {
            measure(live, 1, 1);
            return DaemonJvm.ownBytes(live.marker());
        });
        double most = (managed * 0.015 + (64 << 20)) / (1 << 20);
        String what = "memory of daemon and keeper, managing " + DaemonJvm.mebibytes(managed) + " of which "
                + DaemonJvm.mebibytes((long) live.pages * Live.PAGE) + " are in use";
        table.limit(what + ", the median of " + looks + " looks", Samples.median(own) / (1 << 20), "MiB", most);
        table.beside(
                "the most of them",
                DaemonJvm.mebibytes((long) Arrays.stream(own).max().orElseThrow()),
                "–",
                "–");
    }
}
