/**
 * Memory that belongs to a device, and the port its driver implements.
 *
 * <pre>{@code
 * DeviceMemory memory = manager.addDevice(
 *         new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, this, new ArenaStore(32 << 20)), driver);
 * memory.initFrame(frame);                // one reference, locked: ready to be a destination
 * }</pre>
 *
 * The driver hands out frames, brings pages home when a CPU touches them, and hears of the last free.
 */
@NullMarked
package org.heteromem.core.device;

import org.jspecify.annotations.NullMarked;
