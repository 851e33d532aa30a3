/**
 * The core held against real concurrency.
 *
 * <pre>
 *   soak: everything at once, every word checked      (heteromem soak, and a minute of it in every build)
 *   tests of this module: Lincheck and jcstress on the places where threads meet
 * </pre>
 *
 * See {@link org.heteromem.stress.soak} for an example.
 */
@NullMarked
package org.heteromem.stress;

import org.jspecify.annotations.NullMarked;
