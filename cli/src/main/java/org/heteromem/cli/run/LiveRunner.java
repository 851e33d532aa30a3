package org.heteromem.cli.run;

import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.WorkloadJob;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;

/**
 * Runs a workload over managed memory of this process and over Java arrays, and compares. Thread-safe.
 *
 * <p>The daemon is the one that {@code HETEROMEM_SOCKET} names, or a private one that ends with the run.
 */
public final class LiveRunner {
    private static final String ACCELERATOR = DeviceType.ACCELERATOR.label();

    private final LongSupplier clock;

    /**
     * Makes a runner.
     *
     * @param clock nanoseconds since any moment, never going back
     */
    public LiveRunner(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * Runs.
     *
     * @param options what and on what
     * @param progress is told how far it has come
     * @param picture whether {@link Outcome#page} shall show where memory was
     * @return what was found
     * @throws org.heteromem.cli.BadInputException if the file is missing or malformed
     * @throws org.heteromem.live.HeteromemException if there is no live mode here, or the daemon refuses or is lost
     * @throws org.heteromem.core.MemoryExhaustedException if the job needs more than RAM and overflow
     * @throws PhaseFailedException if a phase of the job throws
     * @throws org.heteromem.cli.workload.WrongResultException if the result is not that of the plain computation
     */
    public Outcome run(LiveOptions options, RunProgress progress, Picture picture) {
        progress.at(0, "input");
        WorkloadJob job = options.workload()
                .prepare(new WorkloadInput(options.file(), options.seed(), options.workingSetBytes()));
        progress.at(0, "daemon");
        // A daemon that was named has what devices it has, and none of the program's kernels.
        long deviceBytes = named() ? 0 : options.deviceFor(job.workingSetBytes());
        LiveTimeline.Sampling sampling =
                picture == Picture.WANTED ? LiveTimeline.Sampling.ON : LiveTimeline.Sampling.OFF;
        try (Heteromem memory = Heteromem.open(options.memory(job.workingSetBytes()));
                LiveTimeline timeline = new LiveTimeline(memory, clock, Math.max(1, job.workingSetBytes()), sampling);
                LiveRun machine = new LiveRun(memory, options, deviceBytes, timeline, clock, progress)) {
            long start = clock.getAsLong();
            job.run(machine);
            long runNanos = clock.getAsLong() - start;
            timeline.end();
            LiveTraffic traffic = LiveTraffic.of(memory);
            Map<String, Long> resident = machine.residentPages();
            progress.at(1, "plain run");
            start = clock.getAsLong();
            job.runPlain();
            long plainNanos = Math.max(1, clock.getAsLong() - start);
            progress.at(1, "check");
            job.verify(SegmentMemory.INSTANCE);
            LiveResult result = new LiveResult(
                    "live",
                    options.workload().name(),
                    job.input(),
                    job.workingSetBytes(),
                    new LiveResult.MachineUsed(
                            memory.ramBytes(),
                            overflow(options, job, resident),
                            memory.tier().label(),
                            machine.device().label(),
                            options.seed(),
                            options.threads()),
                    runNanos,
                    plainNanos,
                    (double) runNanos / plainNanos,
                    true,
                    traffic.faults(),
                    List.of(
                            RunResult.Movement.of("none", "ram", traffic.pagesZeroed()),
                            RunResult.Movement.of("ram", "overflow", traffic.pagesOut()),
                            RunResult.Movement.of("overflow", "ram", traffic.pagesIn()),
                            RunResult.Movement.of("ram", ACCELERATOR, traffic.pagesToDevice()),
                            RunResult.Movement.of(ACCELERATOR, "ram", traffic.pagesFromDevice())),
                    traffic.kernels(),
                    new LiveResult.Evictions(traffic.pagesOut(), traffic.directReclaims()),
                    resident,
                    job.results(SegmentMemory.INSTANCE));
            return new LiveOutcome(result, timeline);
        }
    }

    /** Whether a daemon that runs already shall be used. */
    private static boolean named() {
        String socket = System.getenv(Options.SOCKET_VARIABLE);
        return socket != null && !socket.isEmpty();
    }

    /** A daemon that runs already has devices of its own. */
    private static List<String> overflow(LiveOptions options, WorkloadJob job, Map<String, Long> resident) {
        return !named()
                ? options.overflowFor(job.workingSetBytes()).stream()
                        .map(OverflowSpec::toString)
                        .toList()
                : resident.keySet().stream()
                        .filter(place -> !place.equals("ram") && !place.equals(ACCELERATOR))
                        .toList();
    }

    /** Whether a picture of the run is made, which costs a little of its time. */
    public enum Picture {
        /** It is. */
        WANTED,
        /** It is not. */
        NONE
    }

    record LiveOutcome(LiveResult result, LiveTimeline timeline) implements Outcome {
        @Override
        public List<ResultTable.Row> rows() {
            return ResultTable.rows(result);
        }

        @Override
        public HtmlReport.Page page() {
            return HtmlReport.page(result, timeline);
        }
    }
}
