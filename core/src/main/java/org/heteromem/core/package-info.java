/**
 * Heterogeneous memory management: one address space over system RAM and the memory of devices.
 *
 * <p>Each package below this one is one idea, with the name that Linux gives it:
 *
 * <pre>
 *   space   virtual side: areas, page tables, faults      device   memory that belongs to a device
 *     |                                                      |
 *     +---- migrate: move a range between them --------------+
 *     |                                                      |
 *   memory  physical side: nodes, frames, the bytes       mirror   a device that follows a process
 * </pre>
 */
@NullMarked
package org.heteromem.core;

import org.jspecify.annotations.NullMarked;
