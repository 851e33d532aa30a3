package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.ExitCode;
import org.heteromem.stress.soak.Soak;
import org.heteromem.stress.soak.SoakFailure;
import org.heteromem.stress.soak.SoakOptions;
import org.heteromem.stress.soak.SoakReport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code heteromem soak}: everything at once on one machine, with data whose right value is known. */
@Command(
        name = "soak",
        description = "Runs CPUs, devices, migrations, forks and pressure against each other and checks every word.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code: 0 if every word was right, no frame leaked and no thread got stuck; 1 otherwise.",
            "The seed makes the machines and the choices of each thread; the interleaving is the machine's."
        })
public final class SoakCommand implements Callable<Integer> {
    private static final double MAX_MINUTES = 7 * 24 * 60;
    private static final double SECONDS_PER_MINUTE = 60;
    private static final double MILLIS_PER_MINUTE = 60_000;

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

    @Override
    public Integer call() {
        if (!(minutes > 0 && minutes <= MAX_MINUTES)) {
            throw new BadInputException("--minutes " + minutes + ": a soak takes more than 0 and at most "
                    + (long) MAX_MINUTES + " minutes");
        }
        Long given = seed;
        long chosen = given != null ? given : RandomGenerator.getDefault().nextLong();
        PrintWriter out = spec.commandLine().getOut();
        out.println("soak with --seed " + chosen);
        out.flush();
        Duration duration = Duration.ofMillis(Math.max(1, (long) (minutes * MILLIS_PER_MINUTE)));
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
