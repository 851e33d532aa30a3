package org.heteromem.core.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * What a page's metadata points to so that all its mappings can be found (Linux: anon_vma or address_space). A page at
 * index {@code i} of an anchor may be mapped by every area in the anchor's list that covers {@code i}.
 *
 * <p>The list keeps the order in which areas came. A walk that replaces entries relies on it: at a fork the child's area
 * is appended before entries are copied, so a walker sees the parent first and cannot leave an entry behind that is
 * copied after it passed.
 */
abstract class Anchor {
    /** Areas of this anchor; guarded by {@link #lock}. */
    final List<Vma> areas = new ArrayList<>(2);

    /** Guards the lists of all anchors of a family, and the bounds of the areas in them. */
    abstract ReentrantReadWriteLock lock();
}
