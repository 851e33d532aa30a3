/**
 * The reference model: memory as a program sees it, and nothing behind it.
 *
 * <pre>
 *   Model ──► slots of processes ──► 64 pages each ──► rights, and a Cell of bytes
 *                                                       several pages share a Cell: copy-on-write, shared memory
 * </pre>
 *
 * No frames, no devices, no page tables, no locks. It says for every step which bytes or which error must come out.
 */
@NullMarked
package org.heteromem.proof.model;

import org.jspecify.annotations.NullMarked;
