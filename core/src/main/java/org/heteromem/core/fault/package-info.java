/**
 * What becomes of a fault, for whoever serves faults without being a {@link org.heteromem.core.Cpu}: a pump that must never
 * stop switches over the result and attaches the fault to what it has to wait for.
 *
 * <pre>
 *   AddressSpace.fault ──► Done | NoProgress | Wait(point) | NoMemory(node, demand) | Segv | Bus
 * </pre>
 */
@NullMarked
package org.heteromem.core.fault;

import org.jspecify.annotations.NullMarked;
