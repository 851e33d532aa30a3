/**
 * How well victims are chosen: streams of page numbers, recorded from workloads or made up, run through the victim policies,
 * through LRU that sees every access, and through the optimum.
 *
 * <pre>
 *   RecordingMachine, Streams ──► int[] ──► Simulation: policy │ lru │ optimum ──► hits
 *                                              └── VictimTable prints them, VictimsTest holds them
 * </pre>
 *
 * <pre>{@code
 * long hits = Simulation.run(Streams.loop(1100, 100_000), 1000, Policies.victims("refault"));
 * }</pre>
 */
@NullMarked
package org.heteromem.cli.victims;

import org.jspecify.annotations.NullMarked;
