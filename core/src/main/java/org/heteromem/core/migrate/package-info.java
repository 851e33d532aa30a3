/**
 * Moving ranges of pages between memories.
 *
 * <pre>
 *   setup: collect, lock, migration entries, unmap ──► the driver copies ──► migrate: move identity ──► close: map
 * </pre>
 *
 * See {@link org.heteromem.core.migrate.Migration} for an example.
 */
@NullMarked
package org.heteromem.core.migrate;

import org.jspecify.annotations.NullMarked;
