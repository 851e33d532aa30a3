package org.heteromem.cli.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.run.DeviceSpec;
import org.heteromem.cli.run.HtmlReport;
import org.heteromem.cli.run.LiveOptions;
import org.heteromem.cli.run.LiveRunner;
import org.heteromem.cli.run.Outcome;
import org.heteromem.cli.run.OverflowSpec;
import org.heteromem.cli.run.ResultTable;
import org.heteromem.cli.run.RunOptions;
import org.heteromem.cli.run.RunProgress;
import org.heteromem.cli.run.Runner;
import org.heteromem.cli.run.Sizes;
import org.heteromem.cli.run.TerminalProgress;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.heteromem.policy.Policies;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code heteromem run}: a workload over RAM and devices, in this process or on the model, checked against plain Java. */
@Command(
        name = "run",
        description = {
            "Runs a workload on more memory than it has RAM, and checks its result.",
            "Live mode runs it on memory of this process, which a daemon moves between RAM and overflow devices; the"
                    + " model is a machine with an accelerator, in software."
        },
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code: 0 if the result is right, 1 if it is not or memory ran out, 2 if the input cannot be used.",
            "",
            "Examples:",
            "  heteromem run hashjoin --ram 128M --overflow ram:1G --report p.html",
            "  heteromem run pagerank --mode live --ram 24M --device accelerator:16M",
            "  heteromem run pagerank --mode model --ram 24M --device accelerator:64M"
        })
public final class RunCommand implements Callable<Integer> {
    private static final String NO_DEVICE = "none";

    private final Supplier<Diagnosis> doctor;

    /** Makes the command for this machine. */
    public RunCommand() {
        this(Doctor::examine);
    }

    /**
     * Makes the command.
     *
     * @param doctor says what live mode may do
     */
    public RunCommand(Supplier<Diagnosis> doctor) {
        this.doctor = doctor;
    }

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

    /** Where a workload may run. */
    enum Mode {
        /** On memory of this process. */
        LIVE,
        /** On the modelled machine. */
        MODEL
    }

    @Option(
            names = "--mode",
            paramLabel = "live|model",
            description =
                    "Where it runs (default: live if this machine allows it and no option of the model is named).")
    private @Nullable Mode mode;

    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "Size of RAM (default: live, half of what the workload allocates; model, "
                    + RunOptions.DEFAULT_RAM + ").")
    private @Nullable String ram;

    @Option(
            names = "--overflow",
            paramLabel = "KIND:SIZE",
            completionCandidates = Names.OfOverflow.class,
            description =
                    "Live: where pages go that RAM has no room for; several fill in their order (default: one with"
                            + " room for all).")
    private List<String> overflow = new ArrayList<>();

    @Option(
            names = "--device",
            paramLabel = "KIND:SIZE",
            completionCandidates = Names.OfDevices.class,
            description = "The device that runs kernels, and the size of its memory (default: model, "
                    + DeviceSpec.DEFAULT + "; live, as much as RAM, and none for hashjoin and wordcount). In live mode"
                    + " 'none' leaves kernels to CPU threads.")
    private @Nullable String device;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "About how much memory the workload allocates (default: live, 2 x RAM or 64M; model, 1.75 x"
                    + " device, at most 4/5 of RAM and device together).")
    private @Nullable String size;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            completionCandidates = Names.OfPolicies.class,
            description = "Model: what moves when: a placement policy, or placement+eviction (default: "
                    + Policies.DEFAULT_PLACEMENT + "; see heteromem policies).")
    private @Nullable String policy;

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
        Run run = chosen();
        HtmlReport page = report == null ? null : new HtmlReport(report);
        TerminalProgress bar = TerminalProgress.wanted()
                ? new TerminalProgress(spec.commandLine().getErr(), workload)
                : null;
        AtomicBoolean ended = new AtomicBoolean();
        Thread interrupted = new Thread(() -> interrupted(ended, bar, page), "interrupted");
        Runtime.getRuntime().addShutdownHook(interrupted);
        Outcome outcome;
        try {
            try {
                outcome = run.run(bar == null ? RunProgress.NONE : bar);
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
        print(outcome);
        return ExitCode.OK;
    }

    /** A run of which only the start is left. */
    private interface Run {
        Outcome run(RunProgress progress);
    }

    /** Checks all options before anything is done. */
    private Run chosen() {
        boolean noDevice = NO_DEVICE.equals(device);
        boolean ofLive = !overflow.isEmpty() || noDevice;
        // A device alone is taken for that of the model, as ever.
        boolean ofModel = policy != null || (device != null && mode != Mode.LIVE && !ofLive);
        if (policy != null && ofLive) {
            throw new BadInputException((noDevice ? "--device none" : "--overflow")
                    + " is for --mode live, and --policy for --mode model: name one kind");
        }
        if (mode == Mode.LIVE && ofModel) {
            throw new BadInputException(
                    "--policy is for --mode model; in live mode, --overflow names where pages go, and a daemon has"
                            + " --victims");
        }
        if (mode == Mode.MODEL && ofLive) {
            throw new BadInputException(
                    (noDevice ? "--device none" : "--overflow") + " is for --mode live; the model has a --device");
        }
        if (mode == Mode.MODEL || ofModel) {
            return model();
        }
        LiveOptions options = liveOptions();
        Diagnosis diagnosis = doctor.get();
        if (diagnosis.tier() == Tier.NONE) {
            if (mode == Mode.LIVE || ofLive) {
                throw new UnavailableException(diagnosis.refusal());
            }
            Run fallBack = model();
            PrintWriter err = spec.commandLine().getErr();
            err.println("heteromem: running on the model, since " + diagnosis.refusal());
            err.flush();
            return fallBack;
        }
        return progress -> new LiveRunner(System::nanoTime)
                .run(options, progress, report == null ? LiveRunner.Picture.NONE : LiveRunner.Picture.WANTED);
    }

    private Run model() {
        RunOptions options = modelOptions();
        return progress -> new Runner(System::nanoTime).run(options, progress);
    }

    private LiveOptions liveOptions() {
        Workload chosen = Workloads.named(workload);
        OptionalLong ramBytes = ram == null ? OptionalLong.empty() : OptionalLong.of(RunOptions.parseRam(ram));
        return new LiveOptions(
                chosen,
                Optional.ofNullable(file),
                size == null ? LiveOptions.workingSet(ramBytes) : parseSize(size),
                ramBytes,
                overflow.stream()
                        .map(text -> OverflowSpec.parse("--overflow", text))
                        .toList(),
                device == null
                        ? OptionalLong.empty()
                        : OptionalLong.of(
                                NO_DEVICE.equals(device)
                                        ? 0
                                        : DeviceSpec.parse(device).bytes()),
                seed,
                threads);
    }

    private static long parseSize(String text) {
        return Sizes.parse("--size", text, WorkloadInput.MIN_WORKING_SET_BYTES, WorkloadInput.MAX_WORKING_SET_BYTES);
    }

    private RunOptions modelOptions() {
        Workload chosen = Workloads.named(workload);
        long ramBytes = RunOptions.parseRam(Objects.requireNonNullElse(ram, RunOptions.DEFAULT_RAM));
        DeviceSpec deviceSpec = DeviceSpec.parse(Objects.requireNonNullElse(device, DeviceSpec.DEFAULT));
        return new RunOptions(
                chosen,
                Optional.ofNullable(file),
                size == null ? RunOptions.workingSet(ramBytes, deviceSpec.bytes()) : parseSize(size),
                ramBytes,
                deviceSpec,
                RunOptions.policies(Objects.requireNonNullElse(policy, Policies.DEFAULT_PLACEMENT)),
                seed,
                threads);
    }

    private void print(Outcome outcome) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build()
                    .writeValueAsString(outcome.result()));
        } else {
            ResultTable.lines(outcome.rows()).forEach(out::println);
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
