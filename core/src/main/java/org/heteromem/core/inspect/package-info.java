/**
 * What can be seen of a process, pagemap, smaps, mincore, and whether the whole is sound.
 *
 * <pre>
 *   Inspector ──► one process: entries, sums          StateChecker ──► everything, compared with everything else
 * </pre>
 *
 * <pre>{@code
 * Smaps sums = Inspector.smaps(space, address, length);   // how many pages, and where they live
 * StateChecker.assertSound(manager);                      // at a quiet point
 * }</pre>
 */
@NullMarked
package org.heteromem.core.inspect;

import org.jspecify.annotations.NullMarked;
