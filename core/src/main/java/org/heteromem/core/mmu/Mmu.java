package org.heteromem.core.mmu;

/**
 * The port to what executes the process (architecture: CPU MMU): the core changes page-table entries, this makes the
 * change reach loads and stores. Two kinds stand behind it, and nothing in the core knows which: the software MMU of
 * {@link org.heteromem.core.Cpu} objects, and a live process whose hardware tables are driven through the kernel.
 */
public interface Mmu {
    /**
     * Makes every translation of a page unusable before the next one is installed. Called under a page-table lock and so
     * never blocks. Accesses under way may still end on the old frame; nobody writes it at that moment.
     *
     * @param page the page number
     */
    void revoke(long page);

    /**
     * Returns once no store to the range can reach the frames it had: the page-table entries already forbid stores.
     * Called before pages are copied, without a page-table lock; may wait for accesses in flight, never for an idle
     * thread.
     *
     * @param firstPage first page number
     * @param pages how many
     */
    void stopWriters(long firstPage, long pages);

    /**
     * Returns once no access of any kind can reach the frames the range had: their contents are not wanted any more. Called
     * before frames are given away. Must not throw: the frames would be kept for good, since somebody may still reach them.
     *
     * @param firstPage first page number
     * @param pages how many
     */
    void drop(long firstPage, long pages);

    /**
     * The copies of a migration are made and the identities have moved, while every page is still locked and its entry still
     * a migration entry. Returns once no access can reach the frames that pages have left. A live process is told here
     * where its pages are: those that left RAM go from its tables, those that arrived are placed and mapped, which is the
     * commit, and those that stayed get their rights back.
     *
     * @param moves which pages; the callee must not keep it
     */
    void relocate(PageMoves moves);

    /**
     * A page that was in a frame out of the CPUs' reach is in another such frame now; the entry is still a migration entry.
     * Called in place of {@link #relocate} where the migration names frames, under a page-table lock, and so never blocks: who
     * gives the page up comes before it or after it. A software MMU has no translation of such pages.
     *
     * @param page the page number
     * @param frame the frame that it is in now
     */
    default void movedOutOfReach(long page, long frame) {}

    /**
     * The contents of a page are gone: every access fails until it is given up. Called under a page-table lock and so never
     * blocks. A software MMU, which walks the page table itself, has nothing to do.
     *
     * @param page the page number
     */
    default void lost(long page) {}

    /**
     * A page that was mapped for loads only may be stored to from now on. Called under a page-table lock and so never blocks.
     *
     * @param page the page number
     */
    void allowStores(long page);

    /**
     * A fault on a page without contents was resolved: the entry allows the access. For a live process this is the commit:
     * nothing after it may fail. A software MMU, which walks the page table itself, has nothing to do.
     *
     * @param page the page number
     * @param frame the frame it maps to
     * @param writable whether stores may go through
     */
    void fill(long page, long frame, boolean writable);

    /**
     * Makes the next use of each page a fault, so that it is seen (Linux: clear_young). A hint: it may take effect later, or
     * never, as where threads walk the page table themselves and leave their marks there. Must not wait. The pages may have
     * changed their place meanwhile.
     *
     * @param pages page numbers from the start, in any order; the callee may sort them and must not keep the array
     * @param count how many
     */
    default void makeIdle(long[] pages, int count) {}

    /**
     * A page is where it was, and is used, and the process's own table may not have got it or not with these rights: it was
     * made idle, or the system has taken it out. Maps it again. Called while the page is locked.
     *
     * @param page the page number
     * @param writable whether stores may go through
     */
    default void mapAgain(long page, boolean writable) {}

    /**
     * {@return whether it makes a page of homed memory zero when it fills it: the kernel does, of a hole in a file. Where it
     * does not, the core does}
     */
    default boolean fillsWithZeros() {
        return true;
    }
}
