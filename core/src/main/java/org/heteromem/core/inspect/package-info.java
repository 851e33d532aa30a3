/**
 * What can be seen of a process: pagemap, smaps, mincore.
 *
 * <pre>{@code
 * Smaps sums = Inspector.smaps(space, address, length);   // how many pages, and where they live
 * }</pre>
 */
@NullMarked
package org.heteromem.core.inspect;

import org.jspecify.annotations.NullMarked;
