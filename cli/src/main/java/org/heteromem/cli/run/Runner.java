package org.heteromem.cli.run;

import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.WorkloadJob;
import org.heteromem.core.Cpu;

/** Runs a workload over managed memory and over Java arrays, and compares. Thread-safe. */
public final class Runner {
    private final LongSupplier clock;

    /**
     * Makes a runner.
     *
     * @param clock nanoseconds since any moment, never going back
     */
    public Runner(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * Runs.
     *
     * @param options what and on what
     * @param progress is told how far it has come
     * @return what was found
     * @throws org.heteromem.cli.BadInputException if the file is missing or malformed
     * @throws org.heteromem.core.MemoryExhaustedException if the job needs more than all memory
     * @throws PhaseFailedException if a phase of the job throws
     * @throws org.heteromem.cli.workload.WrongResultException if the result is not that of the plain computation
     */
    public Outcome run(RunOptions options, RunProgress progress) {
        progress.at(0, "input");
        WorkloadJob job = options.workload()
                .prepare(new WorkloadInput(options.file(), options.seed(), options.workingSetBytes()));
        EventTally tally = new EventTally();
        Timeline timeline = new Timeline(clock, options.device().type().label(), Math.max(1, job.workingSetBytes()));
        try (ModelRun machine = new ModelRun(
                options,
                timeline,
                event -> {
                    tally.accept(event);
                    timeline.accept(event);
                },
                clock,
                progress)) {
            long start = clock.getAsLong();
            job.run(machine);
            long runNanos = clock.getAsLong() - start;
            timeline.end();
            EventTally.Counts counts = tally.counts();
            Map<String, Long> resident = machine.residentPages();
            progress.at(1, "plain run");
            start = clock.getAsLong();
            job.runPlain();
            long plainNanos = Math.max(1, clock.getAsLong() - start);
            progress.at(1, "check");
            List<String> results;
            try (Cpu cpu = machine.newCpu()) {
                job.verify(cpu);
                results = job.results(cpu);
            }
            RunResult result = new RunResult(
                    options.workload().name(),
                    job.input(),
                    job.workingSetBytes(),
                    new RunResult.MachineUsed(
                            options.ramBytes(),
                            options.device().type().label(),
                            options.device().bytes(),
                            options.policies().name(),
                            options.seed(),
                            options.threads(),
                            ModelRun.UNITS),
                    runNanos,
                    plainNanos,
                    (double) runNanos / plainNanos,
                    true,
                    counts.cpuFaults(),
                    counts.deviceFaults(),
                    counts.moved(),
                    counts.evictions(),
                    resident,
                    results);
            return new Outcome(result, timeline);
        }
    }

    /** A result, and the time line behind it for {@link HtmlReport}. */
    public static final class Outcome {
        private final RunResult result;
        private final Timeline timeline;

        private Outcome(RunResult result, Timeline timeline) {
            this.result = result;
            this.timeline = timeline;
        }

        /** {@return what was found} */
        public RunResult result() {
            return result;
        }

        Timeline timeline() {
            return timeline;
        }
    }
}
