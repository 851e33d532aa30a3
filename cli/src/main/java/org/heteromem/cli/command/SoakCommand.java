package org.heteromem.cli.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.soak.LiveSoak;
import org.heteromem.cli.soak.LiveSoakFailure;
import org.heteromem.cli.soak.LiveSoakOptions;
import org.heteromem.cli.soak.LiveSoakReport;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.heteromem.stress.soak.Soak;
import org.heteromem.stress.soak.SoakFailure;
import org.heteromem.stress.soak.SoakOptions;
import org.heteromem.stress.soak.SoakReport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code heteromem soak}: everything at once, on a machine of the model or in live mode, with data whose right value is known. */
@Command(
        name = "soak",
        description = "Runs CPUs, devices, migrations, forks and pressure against each other and checks every word;"
                + " with --live, programs with more memory than RAM whose daemons are killed.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code: 0 if every word was right, nothing leaked and no thread got stuck; 1 otherwise.",
            "The seed makes the machines and the choices of each thread; the interleaving is the machine's."
        })
public final class SoakCommand implements Callable<Integer> {
    private static final double MAX_MINUTES = 7 * 24 * 60;
    private static final double SECONDS_PER_MINUTE = 60;
    private static final double MILLIS_PER_MINUTE = 60_000;
    private static final double DEFAULT_KILLS = 6;

    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "1",
            description = "How long, fractions allowed (default: ${DEFAULT-VALUE}).")
    private double minutes;

    @Option(names = "--seed", paramLabel = "S", description = "Seed of all choices (default: a new one, printed).")
    private @Nullable Long seed;

    @Option(names = "--live", description = "Soaks live mode: processes, daemons and their keepers.")
    private boolean live;

    @Option(
            names = "--kills",
            paramLabel = "N",
            description = "With --live: how many daemons, keepers and clients are killed a minute, on average (default:"
                    + " " + DEFAULT_KILLS + ").")
    private @Nullable Double kills;

    @Option(
            names = "--client-seconds",
            paramLabel = "N",
            description = "With --live: how long a client lives at most; many live shorter (default: "
                    + LiveSoakOptions.LIFE_SECONDS + ").")
    private @Nullable Integer clientSeconds;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!(minutes > 0 && minutes <= MAX_MINUTES)) {
            throw new BadInputException("--minutes " + minutes + ": a soak takes more than 0 and at most "
                    + (long) MAX_MINUTES + " minutes");
        }
        double killsPerMinute = killsPerMinute();
        int lifeSeconds = lifeSeconds();
        Long given = seed;
        long chosen = given != null ? given : RandomGenerator.getDefault().nextLong();
        PrintWriter out = spec.commandLine().getOut();
        out.println("soak with --seed " + chosen);
        out.flush();
        Duration duration = Duration.ofMillis(Math.max(1, (long) (minutes * MILLIS_PER_MINUTE)));
        return live
                ? soakLive(new LiveSoakOptions(chosen, duration, killsPerMinute, lifeSeconds, 0))
                : soakModel(chosen, duration);
    }

    private double killsPerMinute() {
        Double given = kills;
        if (given == null) {
            return DEFAULT_KILLS;
        }
        if (!live) {
            throw new BadInputException("--kills is for --live: the model has no processes");
        }
        if (!(given >= 0 && given <= LiveSoakOptions.MAX_KILLS_PER_MINUTE)) {
            throw new BadInputException("--kills " + given + ": from 0 to "
                    + (long) LiveSoakOptions.MAX_KILLS_PER_MINUTE + " a minute make sense");
        }
        return given;
    }

    private int lifeSeconds() {
        Integer given = clientSeconds;
        if (given == null) {
            return LiveSoakOptions.LIFE_SECONDS;
        }
        if (!live) {
            throw new BadInputException("--client-seconds is for --live: the model has no clients");
        }
        if (given < 1 || given > LiveSoakOptions.MAX_LIFE_SECONDS) {
            throw new BadInputException(
                    "--client-seconds " + given + ": from 1 to " + LiveSoakOptions.MAX_LIFE_SECONDS + " make sense");
        }
        return given;
    }

    private int soakLive(LiveSoakOptions options) throws IOException, InterruptedException {
        Diagnosis diagnosis = Doctor.examine();
        if (diagnosis.tier() == Tier.NONE) {
            throw new UnavailableException(diagnosis.refusal());
        }
        PrintWriter out = spec.commandLine().getOut();
        LiveSoakReport report;
        try {
            report = LiveSoak.run(options, line -> {
                out.println(line);
                out.flush();
            });
        } catch (LiveSoakFailure e) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("heteromem: live mode broke its promise: " + e.getMessage());
            err.println("heteromem: the same choices again: heteromem soak --live --minutes " + minutes + " --kills "
                    + options.killsPerMinute() + " --client-seconds " + options.lifeSeconds() + " --seed "
                    + options.seed());
            err.flush();
            return ExitCode.FAILED;
        }
        out.printf(
                Locale.ROOT,
                "%,14d operations%n%,14d page faults%n%,14d pages evicted%n%,14d clients%n%,14d daemons killed%n"
                        + "%,14d keepers killed%n%,14d clients killed%n%,14d takeovers%n%,14d MiB of its own, the daemon"
                        + " of several, at most%n%,14d errors%n",
                report.operations(),
                report.faults(),
                report.evictions(),
                report.clients(),
                report.daemonKills(),
                report.keeperKills(),
                report.clientKills(),
                report.takeovers(),
                report.daemonBytes() >> 20,
                0);
        out.printf(
                Locale.ROOT,
                "%.2f minutes: every word right, nothing left behind, no thread stuck%n",
                report.seconds() / SECONDS_PER_MINUTE);
        out.flush();
        return ExitCode.OK;
    }

    private int soakModel(long chosen, Duration duration) {
        PrintWriter out = spec.commandLine().getOut();
        SoakReport report;
        try {
            report = new Soak(new SoakOptions(chosen, duration)).run(line -> {
                out.println(line);
                out.flush();
            });
        } catch (SoakFailure e) {
            PrintWriter err = spec.commandLine().getErr();
            e.printStackTrace(err);
            err.println("heteromem: the manager broke its promise; repeat with: heteromem soak --minutes " + minutes
                    + " --seed " + chosen);
            err.flush();
            return ExitCode.FAILED;
        }
        report.counts().entrySet().stream()
                .sorted(java.util.Map.Entry.comparingByKey())
                .forEach(count -> out.printf(Locale.ROOT, "%,14d %s%n", count.getValue(), count.getKey()));
        out.printf(
                Locale.ROOT,
                "%d threads x %.2f minutes in %d rounds: every word right, no frame leaked, no thread stuck%n",
                report.threads(),
                report.seconds() / SECONDS_PER_MINUTE,
                report.rounds());
        out.flush();
        return ExitCode.OK;
    }
}
