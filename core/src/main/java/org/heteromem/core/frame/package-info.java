/**
 * Metadata of frames (struct page): counts, flags, the page lock, free lists and LRU. Not exported.
 *
 * <pre>
 *   FrameTable ──► FrameRange (one owner, one store) ──► sections of 4096 frames, made at first use
 *        RamNode: free list, LRU                 device: the driver keeps its own lists
 * </pre>
 *
 * {@link org.heteromem.core.frame.Frames} has the layout: 24 bytes and a reference a frame.
 */
@NullMarked
package org.heteromem.core.frame;

import org.jspecify.annotations.NullMarked;
