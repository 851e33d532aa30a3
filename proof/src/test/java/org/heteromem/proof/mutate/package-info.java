/**
 * Small deliberate defects, one at a time: each must be caught.
 *
 * <pre>
 *   tools/mutate ──► Mutate: mutants.txt, one patch ──► compile the core ──► Victim in a JVM of its own: caught by what?
 * </pre>
 */
@NullMarked
package org.heteromem.proof.mutate;

import org.jspecify.annotations.NullMarked;
