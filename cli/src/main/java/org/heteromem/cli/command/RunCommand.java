package org.heteromem.cli.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.run.DeviceSpec;
import org.heteromem.cli.run.HtmlReport;
import org.heteromem.cli.run.ResultTable;
import org.heteromem.cli.run.RunOptions;
import org.heteromem.cli.run.RunProgress;
import org.heteromem.cli.run.RunResult;
import org.heteromem.cli.run.Runner;
import org.heteromem.cli.run.Sizes;
import org.heteromem.cli.run.TerminalProgress;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.policy.Policies;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code heteromem run}: a workload over RAM and a device, checked against plain Java. */
@Command(
        name = "run",
        description =
                "Runs a workload whose CPU threads and accelerator share one address space, and checks its result.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code: 0 if the result is right, 1 if it is not or memory ran out, 2 if the input cannot be used.",
            "",
            "Example:",
            "  heteromem run pagerank --ram 24M --device accelerator:64M --report p.html"
        })
public final class RunCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "WORKLOAD",
            completionCandidates = Names.OfWorkloads.class,
            description = "What to run: ${COMPLETION-CANDIDATES}.")
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private String workload;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "FILE",
            description = "What it reads, plain or gzip (default: an example that comes along, or generated).")
    private @Nullable Path file;

    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            defaultValue = RunOptions.DEFAULT_RAM,
            description = "Size of RAM (default: ${DEFAULT-VALUE}).")
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private String ram;

    @Option(
            names = "--device",
            paramLabel = "KIND:SIZE",
            defaultValue = DeviceSpec.DEFAULT,
            completionCandidates = Names.OfDevices.class,
            description = "The device and the size of its memory (default: ${DEFAULT-VALUE}).")
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private String device;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "About how much memory the workload allocates (default: 1.75 x device, at most 4/5 of RAM and"
                    + " device together).")
    private @Nullable String size;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = Policies.DEFAULT_PLACEMENT,
            completionCandidates = Names.OfPolicies.class,
            description = "What moves when: a placement policy, or placement+eviction (default: ${DEFAULT-VALUE};"
                    + " see heteromem policies).")
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private String policy;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "" + RunOptions.DEFAULT_SEED,
            description = "Seed of generated input (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "" + RunOptions.DEFAULT_THREADS,
            description = "CPU threads (default: ${DEFAULT-VALUE}).")
    private int threads;

    @Option(
            names = "--report",
            paramLabel = "FILE.html",
            description = "Writes an HTML page with a picture of who lived where over time.")
    private @Nullable Path report;

    @Option(names = "--json", description = "Prints one JSON object instead of a table.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        RunOptions options = options();
        HtmlReport page = report == null ? null : new HtmlReport(report);
        TerminalProgress bar = TerminalProgress.wanted()
                ? new TerminalProgress(
                        spec.commandLine().getErr(), options.workload().name())
                : null;
        AtomicBoolean ended = new AtomicBoolean();
        Thread interrupted = new Thread(() -> interrupted(ended, bar, page), "interrupted");
        Runtime.getRuntime().addShutdownHook(interrupted);
        Runner.Outcome outcome;
        try {
            try {
                outcome = new Runner(System::nanoTime).run(options, bar == null ? RunProgress.NONE : bar);
                if (page != null) {
                    page.write(outcome);
                }
            } finally {
                if (bar != null) {
                    bar.close();
                }
            }
        } finally {
            ended.set(true);
            forget(interrupted);
        }
        print(outcome.result());
        return ExitCode.OK;
    }

    private RunOptions options() {
        Workload chosen = Workloads.named(workload);
        long ramBytes = RunOptions.parseRam(ram);
        DeviceSpec deviceSpec = DeviceSpec.parse(device);
        long workingSet = size == null
                ? RunOptions.workingSet(ramBytes, deviceSpec.bytes())
                : Sizes.parse("--size", size, WorkloadInput.MIN_WORKING_SET_BYTES, WorkloadInput.MAX_WORKING_SET_BYTES);
        return new RunOptions(
                chosen,
                Optional.ofNullable(file),
                workingSet,
                ramBytes,
                deviceSpec,
                RunOptions.policies(policy),
                seed,
                threads);
    }

    private void print(RunResult result) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build()
                    .writeValueAsString(result));
        } else {
            ResultTable.lines(result).forEach(out::println);
        }
        if (report != null && !json) {
            out.println();
            out.println("report: " + report);
        }
        out.flush();
    }

    /** Runs when the JVM goes down, which makes the exit code 130 after Ctrl-C: leaves nothing half done behind. */
    private void interrupted(AtomicBoolean ended, @Nullable TerminalProgress bar, @Nullable HtmlReport page) {
        if (ended.get()) {
            return;
        }
        PrintWriter err = spec.commandLine().getErr();
        if (bar != null) {
            bar.close();
        }
        try {
            if (page != null) {
                page.abandon();
            }
        } catch (IOException e) {
            err.println("heteromem: an unfinished report stays behind: " + e.getMessage());
        }
        err.println("heteromem: interrupted");
        err.flush();
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // Ctrl-C came at this moment, and the hook sees that the run has ended: the JVM stops as it should.
            Thread.yield();
        }
    }
}
