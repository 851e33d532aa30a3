/**
 * The places where threads meet, each on its own. A check comes in two versions: on the product, where it must hold, and on
 * a twin with a race put in on purpose, where it must fail.
 *
 * <pre>
 *   ModelCheck: two or three threads, their interleavings tried one by one (Lincheck, what the program allows)
 *   ReorderingTest: the classes named *Stress at full speed               (jcstress, what the machine does besides)
 * </pre>
 *
 * An example:
 *
 * <pre>{@code
 * holds(() -> onceOnly(frames -> frames.tryLock(0)));
 * catches(() -> onceOnly(frames -> !frames.has(0, LOCKED) && frames.set(0, LOCKED)));
 * }</pre>
 */
@NullMarked
package org.heteromem.stress.model;

import org.jspecify.annotations.NullMarked;
