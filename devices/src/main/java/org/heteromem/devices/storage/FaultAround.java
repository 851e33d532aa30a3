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
     * Remembers for each 2 MiB of addresses where the last block ended and how large it was. Two threads that meet in an
     * entry make each other guess wrong, which costs a smaller block and nothing else.
     */
    final class Adaptive implements FaultAround {
        private static final int ENTRIES = 1 << 10;
        private static final int SIZE_BITS = 4;

        private final int most;
        /** Page number after the last block, above the binary logarithm of its size. */
        private final AtomicLongArray last = new AtomicLongArray(ENTRIES);

        private Adaptive(int most) {
            this.most = most;
        }

        private static int entry(AddressSpace space, long page) {
            long mixed = ((page / Page.PER_BLOCK) * 31 + space.id()) * 0x9E3779B97F4A7C15L;
            return (int) (mixed >>> (Long.SIZE - 10));
        }

        @Override
        public int pages(AddressSpace space, long page) {
            long seen = last.getPlain(entry(space, page - 1));
            int pages = 1;
            if (seen >>> SIZE_BITS == page && page != 0) {
                pages = Math.min(most, 2 << (seen & ((1 << SIZE_BITS) - 1)));
            }
            long end = (page & -pages) + pages;
            last.setPlain(entry(space, end - 1), end << SIZE_BITS | Integer.numberOfTrailingZeros(pages));
            return pages;
        }
    }
}
