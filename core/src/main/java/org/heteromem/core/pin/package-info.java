/**
 * References to pages from outside, which keep them where they are.
 *
 * <pre>{@code
 * try (PageReferences held = Pins.pinLongTerm(space, address, 4, Access.WRITE)) {
 *     held.write(0, 0, source, 0, 4096);
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.core.pin;

import org.jspecify.annotations.NullMarked;
