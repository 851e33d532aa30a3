package org.heteromem.cli.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.daemon.DaemonSettings;
import org.heteromem.cli.daemon.MetricsServer;
import org.heteromem.cli.daemon.ServedDaemon;
import org.heteromem.live.Heteromem;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.DaemonOptions;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code heteromem daemon}: serves the memory of this user's programs until it is told to end. */
@Command(
        name = "daemon",
        description = "Serves the memory of this user's programs: moves pages between RAM and overflow devices.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Options on the command line win over those of the file. The file is TOML with the same names:",
            "  ram = \"8G\"",
            "  client-ram = \"2G\"",
            "  overflow = [\"compressed:4G\", \"file:/var/tmp/overflow:64G\"]",
            "  metrics = 9464",
            "",
            "Ctrl-C or SIGTERM ends it once its last client has left: without it, their threads would wait for ever.",
            "Exit code: 1 if it cannot listen or live mode does not work here, 2 if the input cannot be used."
        })
public final class DaemonCommand implements Callable<Integer> {
    private static final int POLL_MILLIS = 100;

    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Option(names = "--config", paramLabel = "FILE.toml", description = "Reads what is not said here.")
    private @Nullable Path config;

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "Where clients find it (default: $XDG_RUNTIME_DIR/heteromem/daemon.sock, or"
                    + " /tmp/heteromem-UID/daemon.sock).")
    private @Nullable Path socket;

    @Option(names = "--ram", paramLabel = "SIZE", description = "RAM for all clients (default: half of the memory).")
    private @Nullable String ram;

    @Option(
            names = "--client-ram",
            paramLabel = "SIZE",
            description = "RAM for a client that names no figure (default: a quarter of the memory).")
    private @Nullable String clientRam;

    @Mixin
    private final ServingOptions serving = new ServingOptions();

    @Option(
            names = "--metrics",
            paramLabel = "PORT",
            description = "Shows counters to Prometheus on this port of the loopback address; 0 takes a free one.")
    private @Nullable Integer metrics;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Doctor.requireSystem();
        DaemonSettings settings = new DaemonSettings(
                        socket,
                        ram,
                        clientRam,
                        serving.overflow(),
                        serving.onLoss(),
                        serving.victims(),
                        serving.device(),
                        serving.kernels(),
                        metrics)
                .orElse(config == null ? DaemonSettings.NONE : DaemonSettings.read(config));
        DaemonOptions options = settings.options(Heteromem.defaultSocket());
        Diagnosis diagnosis = Doctor.examine();
        if (diagnosis.tier() == Tier.NONE) {
            throw new UnavailableException(diagnosis.refusal());
        }
        PrintWriter out = spec.commandLine().getOut();
        try (ServedDaemon daemon = ServedDaemon.start(options, line -> print(out, line));
                MetricsServer server = metricsOf(settings, daemon)) {
            if (server != null) {
                print(out, "metrics at http://127.0.0.1:" + server.port() + "/metrics");
            }
            Thread end = new Thread(() -> end(daemon, out), "end");
            Runtime.getRuntime().addShutdownHook(end);
            daemon.await();
        }
        return ExitCode.OK;
    }

    private static @Nullable MetricsServer metricsOf(DaemonSettings settings, ServedDaemon daemon) {
        return settings.metrics() == null ? null : MetricsServer.start(settings.metrics(), daemon::status);
    }

    private static void print(PrintWriter out, String line) {
        synchronized (out) {
            out.println(line);
            out.flush();
        }
    }

    /** Runs when the JVM goes down, and holds it up as long as somebody needs the daemon. */
    private static void end(ServedDaemon daemon, PrintWriter out) {
        try {
            if (daemon.clients() > 0) {
                print(out, "told to end: waiting for " + daemon.clients() + " to leave, whose memory is here");
            }
            while (daemon.clients() > 0) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        daemon.close();
    }
}
