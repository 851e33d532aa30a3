package org.heteromem.cli.daemon;

import java.util.Map;
import java.util.TreeMap;
import org.heteromem.live.Status;

/**
 * A daemon's counters in the text format of Prometheus, version 0.0.4.
 *
 * <pre>
 *   ram.used of a client          heteromem_client_ram_used_bytes{client="3",pid="7",program="x"} 4096
 *   faults of a client            heteromem_client_faults_total{client="3",pid="7",program="x"} 12
 *   device.compressed.stored      heteromem_device_stored_bytes{client="3",pid="7",program="x",device="compressed"} 100
 *   device.accelerator.in         heteromem_device_in_bytes_total{client="3",pid="7",program="x",device="accelerator"} 4096
 *   clients of the daemon         heteromem_daemon_clients 1
 * </pre>
 */
final class Prometheus {
    private static final String DEVICE = "device.";
    private static final String BYTES = "bytes.";

    private Prometheus() {}

    static String text(Status status) {
        // Lines of one name must stand together, after its type.
        Map<String, StringBuilder> byName = new TreeMap<>();
        for (int i = 0; i < status.subjects().size(); i++) {
            Status.Subject subject = status.subjects().get(i);
            boolean daemon = i == 0;
            long number = subject.counters().getOrDefault(Status.CLIENT, (long) i);
            String who = daemon
                    ? ""
                    : "client=\"" + number + "\",pid=\"" + subject.pid() + "\",program=\"" + escape(subject.name())
                            + '"';
            subject.counters().forEach((counter, value) -> {
                if (counter.equals(Status.CLIENT)) {
                    return;
                }
                String labels = who;
                Metric metric;
                if (counter.startsWith(DEVICE)) {
                    int end = counter.lastIndexOf('.');
                    labels += ",device=\"" + escape(counter.substring(DEVICE.length(), end)) + '"';
                    metric = ofDevice(plain(counter.substring(end + 1)));
                } else {
                    metric = metric(daemon ? "heteromem_daemon_" : "heteromem_client_", counter);
                }
                byName.computeIfAbsent(
                                metric.name,
                                n -> new StringBuilder("# TYPE ")
                                        .append(n)
                                        .append(' ')
                                        .append(metric.type)
                                        .append('\n'))
                        .append(metric.name)
                        .append(labels.isEmpty() ? "" : '{' + labels + '}')
                        .append(' ')
                        .append(value)
                        .append('\n');
            });
        }
        return String.join("", byName.values());
    }

    private record Metric(String name, String type) {}

    private static Metric ofDevice(String counter) {
        String name = "heteromem_device_" + counter + "_bytes";
        return counter.equals("in") || counter.equals("out") || counter.equals("uncopied")
                ? new Metric(name + "_total", "counter")
                : new Metric(name, "gauge");
    }

    private static Metric metric(String prefix, String counter) {
        if (counter.equals("clients") || counter.endsWith(".running")) {
            return new Metric(prefix + plain(counter), "gauge");
        }
        if (counter.startsWith("ram.")) {
            return new Metric(prefix + plain(counter) + "_bytes", "gauge");
        }
        return counter.startsWith(BYTES)
                ? new Metric(prefix + plain(counter.substring(BYTES.length())) + "_bytes_total", "counter")
                : new Metric(prefix + plain(counter) + "_total", "counter");
    }

    private static String plain(String counter) {
        return counter.replaceAll("[^a-zA-Z0-9_]", "_");
    }

    private static String escape(String label) {
        return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
