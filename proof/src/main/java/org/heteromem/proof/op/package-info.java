/**
 * The steps of a random run, and their text.
 *
 * <pre>
 *   Generator ──► Op ──► World: the real thing          OpText: "Store 0 4096 8 77" ◄──► Op.Store
 *                   └──► Model: what must come out
 * </pre>
 */
@NullMarked
package org.heteromem.proof.op;

import org.jspecify.annotations.NullMarked;
