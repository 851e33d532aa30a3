/**
 * An emulated accelerator: kernels in Java that work on the addresses of a process, through a page table of the device's own.
 *
 * <pre>
 *   kernel ──► compute unit ──► device table ──► device memory, or RAM over the bus
 *                   └─ miss ──► fault buffer ──► batches ──► migrate or mirror ──► replay
 * </pre>
 */
@NullMarked
package org.heteromem.devices.accelerator;

import org.jspecify.annotations.NullMarked;
