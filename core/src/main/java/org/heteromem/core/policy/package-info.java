/**
 * The port through which decisions are made: mechanism is in the core, policy beside it.
 *
 * <pre>
 *   RAM is short ──► PressureHandler: which pages go, and where to
 * </pre>
 */
@NullMarked
package org.heteromem.core.policy;

import org.jspecify.annotations.NullMarked;
