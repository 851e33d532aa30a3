/**
 * {@code heteromem run}: a workload on the modelled machine.
 *
 * <pre>
 *   RunOptions ──► Runner ──► WorkloadJob.run ──► ModelRun (WorkloadContext)
 *                    │                              │ Cpu objects, Accelerator, MemoryManager
 *                    │                              ▼
 *                    │                         event stream ──► EventTally ──► RunResult ──► table, JSON
 *                    │                                     └──► Timeline ────────┴──────────► HTML report
 *                    └──► WorkloadJob.runPlain, verify
 * </pre>
 *
 * <p>Threads and clock are chosen here and handed to the layers below. What is reported comes from the event stream,
 * and from one look at the pages when the job has ended.
 *
 * <pre>{@code
 * RunOptions options = RunOptions.defaults("triad");
 * RunResult result = new Runner(System::nanoTime).run(options, RunProgress.NONE).result();
 * }</pre>
 */
@NullMarked
package org.heteromem.cli.run;

import org.jspecify.annotations.NullMarked;
