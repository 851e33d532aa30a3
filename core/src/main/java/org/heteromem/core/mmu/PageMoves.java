package org.heteromem.core.mmu;

/**
 * The pages of one migration, as {@link Mmu#relocate} sees them: neighbouring addresses, and for each the frame its
 * contents were in and the frame they are in now. Valid during the call.
 */
public interface PageMoves {
    /** {@return the first page number} */
    long firstPage();

    /** {@return how many pages} */
    int count();

    /**
     * {@return the frame that a page was in, or 0 if it had none}
     *
     * @param i which page, from 0
     */
    long from(int i);

    /**
     * {@return the frame that a page is in now: the same if it stayed; 0 if the migration has nothing to do with it}
     *
     * @param i which page, from 0
     */
    long to(int i);

    /**
     * {@return whether the process may store to the page where it is now; if not, the first store must fault}
     *
     * @param i which page, from 0
     */
    boolean writable(int i);

    /**
     * One page that moves or stays.
     *
     * @param firstPage the page number
     * @param before the frame it was in
     * @param after the frame it is in
     * @param stores whether the process may store to it
     */
    record Single(long firstPage, long before, long after, boolean stores) implements PageMoves {
        @Override
        public int count() {
            return 1;
        }

        @Override
        public long from(int i) {
            return before;
        }

        @Override
        public long to(int i) {
            return after;
        }

        @Override
        public boolean writable(int i) {
            return stores;
        }
    }
}
