package org.heteromem.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.heteromem.live.Status;
import org.junit.jupiter.api.Test;

/** What people see of looks at a daemon, one after the other. */
class TopScreenTest {
    private static final int DAEMON = 1000;
    private static final int CLIENTS_FROM = 3;
    private static final long MIB = 1L << 20;
    private static final long SECOND = 1_000_000_000;

    /** A clock may have begun anywhere. */
    private static final long START = -9 * SECOND;

    private final TopScreen screen = new TopScreen();

    private static Status status(Status.Subject... clients) {
        List<Status.Subject> subjects = new ArrayList<>();
        subjects.add(new Status.Subject(
                DAEMON,
                "daemon",
                Map.of(
                        "clients",
                        (long) clients.length,
                        "ram.limit",
                        64 * MIB,
                        "ram.granted",
                        16 * MIB * clients.length)));
        subjects.addAll(List.of(clients));
        return new Status(subjects);
    }

    /** A client, its number with the daemon, and what it has done since it came. */
    private static Status.Subject client(int pid, String name, long number, long faults, long in, long out) {
        return client(pid, name, number, faults, in, out, Map.of());
    }

    private static Status.Subject client(
            int pid, String name, long number, long faults, long in, long out, Map<String, Long> devices) {
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put(Status.CLIENT, number);
        counters.put("ram.limit", 16 * MIB);
        counters.put("ram.used", 10 * MIB);
        counters.put("faults", faults);
        counters.put("bytes.in", in);
        counters.put("bytes.out", out);
        counters.putAll(devices);
        return new Status.Subject(pid, name, counters);
    }

    private static List<String> columns(String line) {
        return List.of(line.strip().split(" +", -1));
    }

    /** The lines of clients, cut into columns. */
    private static List<List<String>> clients(List<String> lines) {
        return lines.subList(CLIENTS_FROM, lines.size()).stream()
                .map(TopScreenTest::columns)
                .toList();
    }

    @Test
    void theDaemonAndWhatItsClientsHaveIsShownAtTheFirstLook() {
        Map<String, Long> devices = Map.of(
                "device.compressed.held", 8 * MIB,
                "device.compressed.stored", 5 * MIB / 2,
                "device.compressed.copies", 3 * MIB,
                "device.compressed.uncopied", 5 * MIB,
                "device.compressed.capacity", 64 * MIB,
                "device.slow-ram.held", 4 * MIB,
                "device.slow-ram.stored", 4 * MIB,
                "device.slow-ram.capacity", 32 * MIB);
        List<String> lines = screen.lines(
                status(
                        client(4711, "search", 1, 7000, 3 * MIB, 6 * MIB, devices),
                        client(4712, "sort", 2, 9000, 2 * MIB, 4 * MIB)),
                START);
        assertThat(lines.getFirst()).isEqualTo("heteromem daemon 1000: 2 clients, RAM 64M, granted 32M");
        assertThat(columns(lines.get(CLIENTS_FROM - 1)))
                .isEqualTo(List.of("PID", "PROGRAM", "RAM", "LIMIT", "DEVICES", "STORED", "FAULTS/s", "IN/s", "OUT/s"));
        // There is no earlier look that could tell how fast anything is.
        assertThat(clients(lines))
                .isEqualTo(List.of(
                        List.of("4711", "search", "10M", "16M", "12M", "6.5M", "-", "-", "-"),
                        List.of("4712", "sort", "10M", "16M", "0", "0", "-", "-", "-")));
    }

    @Test
    void whatHappensInASecondIsWhatHasHappenedBetweenTwoLooks() {
        screen.lines(status(client(4711, "search", 1, 1000, 100 * MIB, 200 * MIB)), START);
        List<String> second =
                screen.lines(status(client(4711, "search", 1, 7000, 124 * MIB, 210 * MIB)), START + 4 * SECOND);
        assertThat(second.getFirst()).isEqualTo("heteromem daemon 1000: 1 client, RAM 64M, granted 16M");
        assertThat(clients(second))
                .isEqualTo(List.of(List.of("4711", "search", "10M", "16M", "0", "0", "1,500", "6M", "2.5M")));
        // The look before counts, not the first one.
        List<String> third =
                screen.lines(status(client(4711, "search", 1, 7000, 125 * MIB, 210 * MIB)), START + 6 * SECOND);
        assertThat(clients(third))
                .isEqualTo(List.of(List.of("4711", "search", "10M", "16M", "0", "0", "0", "512K", "0")));
    }

    @Test
    void whoComesHasNoRatesYetAndWhoLeavesIsGone() {
        screen.lines(status(client(4711, "stays", 1, 0, 0, 0), client(4712, "leaves", 2, 0, 0, 0)), START);
        List<String> second = screen.lines(
                status(client(4711, "stays", 1, 20, MIB, 0), client(4713, "comes", 3, 50, MIB, 2 * MIB)),
                START + 2 * SECOND);
        assertThat(second.getFirst()).contains(" 2 clients, ");
        assertThat(clients(second))
                .isEqualTo(List.of(
                        List.of("4711", "stays", "10M", "16M", "0", "0", "10", "512K", "0"),
                        List.of("4713", "comes", "10M", "16M", "0", "0", "-", "-", "-")));
        // The process that had left opens memory again, which is another client.
        List<String> third = screen.lines(
                status(client(4713, "comes", 3, 60, MIB, 5 * MIB), client(4712, "leaves", 4, 900, MIB, MIB)),
                START + 4 * SECOND);
        assertThat(clients(third))
                .isEqualTo(List.of(
                        List.of("4713", "comes", "10M", "16M", "0", "0", "5", "0", "1.5M"),
                        List.of("4712", "leaves", "10M", "16M", "0", "0", "-", "-", "-")));
        assertThat(clients(screen.lines(status(), START + 5 * SECOND))).isEmpty();
    }

    @Test
    void clientsOfOneProcessAreToldApart() {
        screen.lines(status(client(4711, "twice", 1, 10, 0, 0), client(4711, "twice", 2, 1000, 0, 0)), START);
        List<String> second = screen.lines(
                status(client(4711, "twice", 1, 15, 0, 0), client(4711, "twice", 2, 2000, 0, 0)), START + SECOND);
        assertThat(clients(second))
                .isEqualTo(List.of(
                        List.of("4711", "twice", "10M", "16M", "0", "0", "5", "0", "0"),
                        List.of("4711", "twice", "10M", "16M", "0", "0", "1,000", "0", "0")));
    }

    /** The successor of a daemon that was killed counts from the start. */
    @Test
    void countersThatBeginAgainAreNoNegativeRates() {
        screen.lines(status(client(4711, "search", 1, 7000, 124 * MIB, 210 * MIB)), START);
        List<String> second = screen.lines(status(client(4711, "search", 1, 3, MIB, 0)), START + SECOND);
        assertThat(clients(second))
                .isEqualTo(List.of(List.of("4711", "search", "10M", "16M", "0", "0", "0", "0", "0")));
    }

    @Test
    void aLongNameLeavesTheColumnsWhereTheyAre() {
        List<String> lines = screen.lines(status(client(4711, "org.example.ALongNameOfAProgram", 1, 0, 0, 0)), START);
        assertThat(columns(lines.get(CLIENTS_FROM))).contains("org.example.ALongNameOfA");
        assertThat(lines.get(CLIENTS_FROM)).hasSameSizeAs(lines.get(CLIENTS_FROM - 1));
    }
}
