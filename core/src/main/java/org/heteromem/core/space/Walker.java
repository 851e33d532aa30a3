package org.heteromem.core.space;

import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/** What a hardware page-table walker does: finds the leaf, sets the used and dirty bits. Takes no lock. */
public final class Walker {
    private static final long LAST_PAGE = (1L << (Page.ADDRESS_BITS - Page.SHIFT)) - 1;

    private Walker() {}

    /**
     * {@return the leaf that covers a page, or null}
     *
     * @param mm whose table
     * @param page any number
     */
    public static @Nullable PageTableLeaf leaf(Mm mm, long page) {
        return page >= 0 && page <= LAST_PAGE ? mm.pageTable.leaf(page) : null;
    }

    /**
     * {@return whether the entry was unchanged and now has its used bit, and for a store its dirty bit}
     *
     * @param leaf the leaf
     * @param page the page
     * @param entry what it was seen as
     * @param write whether for a store
     */
    public static boolean touch(PageTableLeaf leaf, long page, long entry, boolean write) {
        return leaf.touch(page, entry, write);
    }
}
