/**
 * The small driver that Linux tests its heterogeneous memory with (lib/test_hmm), for the same purpose here.
 *
 * <p>It computes nothing. It mirrors processes, reads and writes through its mirrors, moves pages to its memory and back,
 * and takes exclusive access; everything it does is asked of it. What it decides by itself is as recorded from Linux, so
 * that a replay of recordings tests the core and not the driver's taste.
 *
 * <pre>
 *   TestDevice  memory of one device ──► brings pages home, evicts
 *       │ one per process
 *   TestMirror  page ──► frame, tag    follows the process by an interval notifier
 * </pre>
 *
 * <pre>{@code
 * TestDevice device = TestDevice.add(manager, "hmm0", DeviceKind.PRIVATE, new ArenaStore(256 << 20));
 * TestMirror mirror = device.mirror(space);
 * mirror.migrateToDevice(address, 8);
 * mirror.write(address, data);                       // in place, without a fault
 * }</pre>
 */
@NullMarked
package org.heteromem.devices.testdriver;

import org.jspecify.annotations.NullMarked;
