/**
 * The daemon: the core applied to the memory of other processes.
 *
 * <pre>
 *        client                                     daemon
 *   threads  ── fault ──► userfaultfd ──► FaultPump ──► AddressSpace.fault ──► StorageDevice ──► Migration
 *      ▲                                                    (core)                                   │
 *      └────────── COPY, ZEROPAGE, un-protect ◄── LiveMmu ◄──────── fill, relocate, stopWriters ◄────┘
 *                                                    │
 *   memfd ◄──────── punch, read ◄── LiveStore ◄──────┴──────────────► Ledger, what a successor must know
 *                                                  Evictor ──► StorageDevice.evict
 * </pre>
 *
 * <p>The core decides everything; what is here are its ports ({@link org.heteromem.live.daemon.LiveMmu} the MMU, {@code
 * org.heteromem.live.daemon.LiveStore} the bytes, the pump the waiting) and the life of a connection ({@code
 * org.heteromem.live.daemon.ClientSession}, with a class for each thing that a client has or asks: {@code ClientMemory}, {@code
 * ClientRegions}, {@code ClientPins}, {@code RangeRequests}, {@code ClientView}, {@code ClientCustody}). No type here maps
 * addresses to places: the page table does.
 *
 * <p>It must run in a process of its own. A thread of the client's JVM that handled its faults would be stopped by the same
 * collector that waits for the thread in the fault.
 */
@NullMarked
package org.heteromem.live.daemon;

import org.jspecify.annotations.NullMarked;
