/**
 * Replays recorded behaviour of Linux against the core.
 *
 * <p>A scenario is a list of operations of one or more processes on areas of memory and devices, each with the result that
 * a real kernel gave. Replaying one means to carry out the operations on a fresh machine and to compare the results.
 *
 * <pre>
 *   file.scn ──ScenarioReader──► Scenario ──Replay──► differences ──► ConformCommand prints and counts
 *                                              │
 *                                   ReplayMachine: RAM, four devices with the test driver
 *                                   ReplayTask: a process with its areas, mirrors, references
 * </pre>
 *
 * <pre>
 *   scenario private-0000
 *   0 map A 6 anon rw -> ok
 *   0 write A+0 6 0x100 -> ok*6
 *   0 to-dev 0 A+0 6 -> ok 6
 *   0 snap 0 A+0 6 -> priv-w*6
 * </pre>
 */
@NullMarked
package org.heteromem.cli.conform;

import org.jspecify.annotations.NullMarked;
