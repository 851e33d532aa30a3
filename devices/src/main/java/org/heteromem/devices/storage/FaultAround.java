package org.heteromem.devices.storage;

import java.util.concurrent.atomic.AtomicLongArray;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;

/** Says how many pages come home for one touch (Linux: swap readahead). Called by many threads at once. */
@FunctionalInterface
public interface FaultAround {
    /** The most pages that may be asked for. */
    int MAX_PAGES = Page.PER_BLOCK;

    /**
     * {@return the size of the aligned block around the page, a power of two from 1 to {@link #MAX_PAGES}; those of its
     * pages that are on the device come home}
     *
     * @param space who touched it
     * @param page the number of the page
     */
    int pages(AddressSpace space, long page);

    /**
     * {@return always the same}
     *
     * @param pages a power of two from 1 to {@link #MAX_PAGES}
     */
    static FaultAround fixed(int pages) {
        check(pages);
        return (_, _) -> pages;
    }

    /**
     * {@return one page for a touch out of the blue; twice as many as last time for a touch right behind the last block
     * brought home, as a sequential reader makes}
     *
     * @param most a power of two from 1 to {@link #MAX_PAGES}
     */
    static FaultAround adaptive(int most) {
        check(most);
        return new Adaptive(most);
    }

    private static void check(int pages) {
        if (pages < 1 || pages > MAX_PAGES || Integer.bitCount(pages) != 1) {
            throw new IllegalArgumentException(
                    "a fault can bring home 1, 2, 4, ... " + MAX_PAGES + " pages, not " + pages);
        }
    }

    /**
     * Remembers where blocks ended and how large they were, so that sequences that take turns are told apart. Two that meet in
     * an entry make each other guess wrong, which costs a smaller block and nothing else.
     */
    final class Adaptive implements FaultAround {
        private static final int ENTRY_BITS = 10;
        private static final int SIZE_BITS = 4;

        private final int most;
        /** Page number after a block, above the binary logarithm of its size; in the place of that page number. */
        private final AtomicLongArray ends = new AtomicLongArray(1 << ENTRY_BITS);

        private Adaptive(int most) {
            this.most = most;
        }

        private static int entry(AddressSpace space, long page) {
            long mixed = (page * 31 + space.id()) * 0x9E3779B97F4A7C15L;
            return (int) (mixed >>> (Long.SIZE - ENTRY_BITS));
        }

        @Override
        public int pages(AddressSpace space, long page) {
            long seen = ends.getPlain(entry(space, page));
            int pages = 1;
            if (seen >>> SIZE_BITS == page && page != 0) {
                pages = Math.min(most, 2 << (seen & ((1 << SIZE_BITS) - 1)));
            }
            long end = (page & -pages) + pages;
            ends.setPlain(entry(space, end), end << SIZE_BITS | Integer.numberOfTrailingZeros(pages));
            return pages;
        }
    }
}
