package org.heteromem.cli.run;

import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.heteromem.cli.workload.WorkloadInput;
import org.heteromem.cli.workload.WorkloadJob;
import org.heteromem.core.Cpu;

/** Runs a workload over the memory of the modelled machine and over Java arrays, and compares. Thread-safe. */
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
                    "model",
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
            return new ModelOutcome(result, timeline);
        }
    }

    record ModelOutcome(RunResult result, Timeline timeline) implements Outcome {
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
