/**
 * The port through which decisions are made: mechanism is in the core, policy beside it.
 *
 * <pre>
 *   RAM is short              ──► PressureHandler: make room
 *   device touches a page     ──► PlacementPolicy.deviceFault: what comes to the device with it
 *   CPU touches a device page ──► PlacementPolicy.cpuFault: what comes home with it
 *   cold pages leave RAM      ──► PlacementPolicy.pressure: how many
 *   time passes               ──► PlacementPolicy.tick
 *   the device is full        ──► EvictionPolicy.victim
 *   a live process needs RAM  ──► VictimPolicy: which pages leave, and which are protected
 * </pre>
 *
 * Policies speak of pages in aligned 2 MiB blocks, the reach of one page-table leaf:
 *
 * <pre>{@code
 * public List<PageRange> deviceFault(BlockView block, BitSet faulted) {
 *     return faulted.stream().mapToObj(page -> PageRange.around(page, 16)).distinct().toList();   // 64 KiB each
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.core.policy;

import org.jspecify.annotations.NullMarked;
