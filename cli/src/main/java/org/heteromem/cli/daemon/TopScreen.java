package org.heteromem.cli.daemon;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.heteromem.cli.run.Sizes;
import org.heteromem.live.Status;
import org.jspecify.annotations.Nullable;

/**
 * What {@code top} shows: a line for the daemon, and one for each client with what it has and, against an earlier look,
 * what it does a second.
 */
public final class TopScreen {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final String DEVICE = "device.";
    private static final String HELD = ".held";
    private static final String STORED = ".stored";
    private static final String LINE = "%7s  %-24s %9s %9s %9s %9s %9s %9s %9s";

    private Map<Long, Map<String, Long>> before = Map.of();
    private long beforeNanos;

    /**
     * {@return the lines for a status}
     *
     * @param status now
     * @param nanos when that was, by any clock
     */
    public List<String> lines(Status status, long nanos) {
        List<Status.Subject> subjects = status.subjects();
        List<String> lines = new ArrayList<>();
        Map<String, Long> daemon = subjects.getFirst().counters();
        lines.add(String.format(
                Locale.ROOT,
                "heteromem daemon %d: %d %s, RAM %s, granted %s",
                subjects.getFirst().pid(),
                subjects.size() - 1,
                subjects.size() == 2 ? "client" : "clients",
                Sizes.format(daemon.getOrDefault("ram.limit", 0L)),
                Sizes.format(daemon.getOrDefault("ram.granted", 0L))));
        lines.add("");
        lines.add(String.format(
                Locale.ROOT, LINE, "PID", "PROGRAM", "RAM", "LIMIT", "DEVICES", "STORED", "FAULTS/s", "IN/s", "OUT/s"));
        Map<Long, Map<String, Long>> now = new HashMap<>();
        double seconds = (nanos - beforeNanos) / NANOS_PER_SECOND;
        for (Status.Subject client : subjects.subList(1, subjects.size())) {
            Map<String, Long> counters = client.counters();
            // A process may be several clients.
            long number = counters.getOrDefault(Status.CLIENT, (long) client.pid());
            now.put(number, counters);
            Map<String, Long> earlier = before.get(number);
            lines.add(String.format(
                    Locale.ROOT,
                    LINE,
                    client.pid(),
                    client.name().length() > 24 ? client.name().substring(0, 24) : client.name(),
                    Sizes.format(counters.getOrDefault("ram.used", 0L)),
                    Sizes.format(counters.getOrDefault("ram.limit", 0L)),
                    Sizes.format(sum(counters, HELD)),
                    Sizes.format(sum(counters, STORED)),
                    rate("faults", counters, earlier, seconds, Unit.COUNT),
                    rate("bytes.in", counters, earlier, seconds, Unit.BYTES),
                    rate("bytes.out", counters, earlier, seconds, Unit.BYTES)));
        }
        before = now;
        beforeNanos = nanos;
        return lines;
    }

    private enum Unit {
        COUNT,
        BYTES
    }

    private static String rate(
            String counter, Map<String, Long> now, @Nullable Map<String, Long> earlier, double seconds, Unit unit) {
        if (earlier == null || seconds <= 0) {
            return "-";
        }
        long grown = now.getOrDefault(counter, 0L) - earlier.getOrDefault(counter, 0L);
        long each = Math.round(Math.max(0, grown) / seconds);
        return unit == Unit.BYTES ? Sizes.format(each) : String.format(Locale.ROOT, "%,d", each);
    }

    private static long sum(Map<String, Long> counters, String ending) {
        return counters.entrySet().stream()
                .filter(counter ->
                        counter.getKey().startsWith(DEVICE) && counter.getKey().endsWith(ending))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }
}
