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
     * A page has come home that was asked for by {@link #pages}; more often than once if there was no frame for it at first.
     *
     * @param space whose page
     * @param page the number of the page
     * @return how many pages right before it a sequential reader has gone past, from 0 to {@link #MAX_PAGES}
     */
    default int arrived(AddressSpace space, long page) {
        return 0;
    }

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
        private static final int FIELD_BITS = 4;
        private static final int FIELD_MASK = (1 << FIELD_BITS) - 1;
        private static final int PAGE_SHIFT = 2 * FIELD_BITS;
        /** Blocks of so many pages in sequence are no accident. */
        private static final int SURE = 7;

        private final int most;
        /**
         * Page number after a block, above the sizes of all blocks in sequence until there, above the binary logarithm of the
         * block's size; in the place of that page number.
         */
        private final AtomicLongArray ends = new AtomicLongArray(1 << ENTRY_BITS);

        private Adaptive(int most) {
            this.most = most;
        }

        private static int entry(AddressSpace space, long page) {
            long mixed = (page * 31 + space.id()) * 0x9E3779B97F4A7C15L;
            return (int) (mixed >>> (Long.SIZE - ENTRY_BITS));
        }

        /** {@return what is known of the block before a page, or 0} */
        private long before(AddressSpace space, long page) {
            long seen = ends.getPlain(entry(space, page));
            return seen >>> PAGE_SHIFT == page ? seen : 0;
        }

        private static int size(long seen) {
            return 1 << (seen & FIELD_MASK);
        }

        private static int inSequence(long seen) {
            return (int) (seen >>> FIELD_BITS) & FIELD_MASK;
        }

        @Override
        public int pages(AddressSpace space, long page) {
            long seen = before(space, page);
            int pages = seen == 0 ? 1 : Math.min(most, 2 * size(seen));
            long end = (page & -pages) + pages;
            int sequence = Math.min(FIELD_MASK, inSequence(seen) + pages);
            ends.setPlain(
                    entry(space, end),
                    end << PAGE_SHIFT | (long) sequence << FIELD_BITS | Integer.numberOfTrailingZeros(pages));
            return pages;
        }

        @Override
        public int arrived(AddressSpace space, long page) {
            long seen = before(space, page);
            if (seen != 0) {
                // Good for one touch: the next one of this page may come out of the blue.
                ends.setPlain(entry(space, page), 0);
            }
            return inSequence(seen) >= SURE ? size(seen) : 0;
        }
    }
}
