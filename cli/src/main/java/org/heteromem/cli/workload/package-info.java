/**
 * Programs for a machine whose processors and accelerator share one address space.
 *
 * <p>A {@link org.heteromem.cli.workload.Workload} is a name in the registry
 * {@link org.heteromem.cli.workload.Workloads}; given its input it becomes a {@link
 * org.heteromem.cli.workload.WorkloadJob}, which allocates ordinary memory of the process and alternates between
 * processor and accelerator <em>over the same addresses</em>. No job copies its data for the other side, so every turn
 * of the alternation moves pages:
 *
 * <pre>
 *            allocate            cpu            accelerate           cpu            verify
 *   job  ───────┬─────────────────┬─────────────────┬─────────────────┬────────────────┬────►
 *               │                 │                 │                 │                │
 *   address  [ a ............ ] stores            loads, stores     loads, stores     loads
 *   page     nowhere ────────► RAM ────────────► device ─────────► RAM                │
 *                                                                                      │
 *   plain Java arrays, no buffer shared with the run ────────────────────── compare ───┘
 * </pre>
 *
 * <p>Where the bytes are is the business of the {@link org.heteromem.cli.workload.WorkloadContext}: the modelled
 * machine and live memory both implement it. Three rules make a job fit for every context. A kernel is a record of
 * primitive values, so that it can be named and rebuilt in the process that runs it. Work is cut by fixed blocks, and
 * each result is computed by one party in a fixed order, so that results do not depend on the number of threads or
 * units and floating-point results are equal to the plain computation bit for bit. Whatever the two sides exchange lies
 * in the process's memory and nowhere else.
 *
 * <pre>{@code
 * WorkloadJob job = Workloads.named("triad").prepare(WorkloadInput.generated(42, 56L << 20));
 * job.run(context);                  // over the context's memory
 * job.runPlain();                    // over Java arrays
 * job.verify(memoryOfACpuThread);    // throws WrongResultException at the first difference
 * }</pre>
 */
@NullMarked
package org.heteromem.cli.workload;

import org.jspecify.annotations.NullMarked;
