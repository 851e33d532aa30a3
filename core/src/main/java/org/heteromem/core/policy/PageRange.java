package org.heteromem.core.policy;

import org.heteromem.core.Page;

/**
 * Neighbouring pages of one 2 MiB block.
 *
 * @param first the first page, counted from the start of the block, 0 to 511
 * @param pages how many, at least 1
 */
public record PageRange(int first, int pages) {
    /** The whole block. */
    public static final PageRange BLOCK = new PageRange(0, Page.PER_BLOCK);

    /**
     * Checks that the range lies in a block.
     *
     * @throws IllegalArgumentException if it does not
     */
    public PageRange {
        if (first < 0 || pages <= 0 || first > Page.PER_BLOCK - pages) {
            throw new IllegalArgumentException(
                    pages + " pages from page " + first + " do not lie in a block of " + Page.PER_BLOCK);
        }
    }

    /**
     * {@return the range of a given size around a page, aligned to its size}
     *
     * @param page a page of the block
     * @param pages the size, a power of two up to 512
     */
    public static PageRange around(int page, int pages) {
        return new PageRange(page & -pages, pages);
    }

    /** {@return the first page after the range} */
    public int end() {
        return first + pages;
    }
}
