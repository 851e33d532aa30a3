package org.heteromem.core.space;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * A radix page table of four levels with 512 entries each, for 48-bit addresses. Walking takes no lock: tables are plain
 * objects that live as long as somebody sees them. Entries change under their leaf's lock; only the used and dirty bits
 * may also be set without it, by whoever translates.
 */
public final class PageTable {
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    private static final int BITS = 9;
    private static final int ENTRIES = 1 << BITS;
    private static final int INDEX_MASK = ENTRIES - 1;

    /** log2 of the pages that a leaf covers. */
    static final int LEAF_SHIFT = BITS;

    private final Object[] root = new Object[ENTRIES];

    private static int index(long page, int level) {
        return (int) (page >>> (level * BITS)) & INDEX_MASK;
    }

    /**
     * {@return the leaf that covers a page, or null}
     *
     * @param page a page number
     */
    @Nullable
    PageTableLeaf leaf(long page) {
        Object[] upper = (Object[]) SLOT.getAcquire(root, index(page, 3));
        if (upper == null) {
            return null;
        }
        Object[] middle = (Object[]) SLOT.getAcquire(upper, index(page, 2));
        return middle == null ? null : (PageTableLeaf) SLOT.getAcquire(middle, index(page, 1));
    }

    /**
     * {@return the leaf that covers a page, made if need be}
     *
     * @param page a page number
     */
    PageTableLeaf leafOrMake(long page) {
        Object[] upper = table(root, index(page, 3));
        Object[] middle = table(upper, index(page, 2));
        int at = index(page, 1);
        PageTableLeaf leaf = (PageTableLeaf) SLOT.getAcquire(middle, at);
        if (leaf != null) {
            return leaf;
        }
        PageTableLeaf made = new PageTableLeaf(page & -ENTRIES);
        PageTableLeaf other = (PageTableLeaf) SLOT.compareAndExchange(middle, at, null, made);
        return other == null ? made : other;
    }

    private static Object[] table(Object[] above, int at) {
        Object[] below = (Object[]) SLOT.getAcquire(above, at);
        if (below != null) {
            return below;
        }
        Object[] made = new Object[ENTRIES];
        Object[] other = (Object[]) SLOT.compareAndExchange(above, at, null, made);
        return other == null ? made : other;
    }

    /**
     * Drops the leaves of a range that nobody can fault into any more. A walker that still sees one finds it empty.
     *
     * @param firstPage first page of the range, a multiple of 512
     * @param endPage first page after it, a multiple of 512
     */
    void free(long firstPage, long endPage) {
        for (long page = firstPage; page < endPage; page += ENTRIES) {
            Object[] upper = (Object[]) SLOT.getAcquire(root, index(page, 3));
            if (upper == null) {
                page = (page | (1L << 3 * BITS) - 1) + 1 - ENTRIES;
                continue;
            }
            Object[] middle = (Object[]) SLOT.getAcquire(upper, index(page, 2));
            if (middle == null) {
                page = (page | (1L << 2 * BITS) - 1) + 1 - ENTRIES;
                continue;
            }
            SLOT.setRelease(middle, index(page, 1), null);
        }
    }

    /**
     * {@return the entry of a page; 0 where there is none}
     *
     * @param page a page number
     */
    public long entry(long page) {
        PageTableLeaf leaf = leaf(page);
        return leaf == null ? 0 : leaf.get(page);
    }

    /**
     * Visits every leaf, by address.
     *
     * @param action what to do with it
     */
    public void forEachLeaf(java.util.function.Consumer<PageTableLeaf> action) {
        for (int i = 0; i < ENTRIES; i++) {
            Object[] upper = (Object[]) SLOT.getAcquire(root, i);
            for (int j = 0; upper != null && j < ENTRIES; j++) {
                Object[] middle = (Object[]) SLOT.getAcquire(upper, j);
                for (int k = 0; middle != null && k < ENTRIES; k++) {
                    PageTableLeaf leaf = (PageTableLeaf) SLOT.getAcquire(middle, k);
                    if (leaf != null) {
                        action.accept(leaf);
                    }
                }
            }
        }
    }

    /**
     * {@return the first page after the leaf that covers a page}
     *
     * @param page a page number
     */
    static long leafEnd(long page) {
        return (page | INDEX_MASK) + 1;
    }

    static {
        assert ENTRIES == Page.PER_BLOCK;
    }
}
