/**
 * A device that follows a process: look at the page table, be told when it changes, take a page for oneself.
 *
 * <pre>
 *   RangeFault ──► device table ◄── IntervalNotifier (drops entries before the page table changes)
 * </pre>
 *
 * See {@link org.heteromem.core.mirror.IntervalNotifier} for the protocol.
 */
@NullMarked
package org.heteromem.core.mirror;

import org.jspecify.annotations.NullMarked;
