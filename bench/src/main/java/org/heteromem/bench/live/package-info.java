/**
 * What live mode costs, beside the floor that C programs find on the same machine in the same run ({@code bench/floor}).
 * Ratios are what counts: absolute figures move with the machine and with whoever else uses it.
 *
 * <pre>
 *   bench/live ──► LiveBenchmark ──► Floor: runs the C programs
 *                        │     └───► Live: a client, its memory, and a DaemonProcess on a CPU of its own
 *                        └─────────► Program: hashjoin or wordcount in a JVM of its own, in plain, managed or mapped memory
 * </pre>
 *
 * JMH does not fit: what is measured happens between two processes on chosen CPUs, and each page can be missed only once.
 */
@NullMarked
package org.heteromem.bench.live;

import org.jspecify.annotations.NullMarked;
