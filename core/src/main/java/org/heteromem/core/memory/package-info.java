/**
 * The physical side that others see: nodes of RAM, the bytes behind frames, who has which physical addresses.
 *
 * <pre>
 *   0                                                            2^46
 *   | node0 RAM | node1 RAM |        free        | device b | device a |
 * </pre>
 *
 * Un-addressable device memory takes addresses from the top.
 */
@NullMarked
package org.heteromem.core.memory;

import org.jspecify.annotations.NullMarked;
