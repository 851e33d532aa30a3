package org.heteromem.core.migrate;

import org.heteromem.core.Page;
import org.heteromem.core.space.PageMigration;

/** What a driver may know of the pages in a migration: a view that cannot change them (migrate_vma.src). */
public final class SourceEntries {
    private final PageMigration pages;

    SourceEntries(PageMigration pages) {
        this.pages = pages;
    }

    /** {@return how many pages there are} */
    public int size() {
        return pages.count();
    }

    /**
     * {@return whether a page can move; after {@link Migration#migrate}: whether it did}
     *
     * @param i which page
     */
    public boolean movable(int i) {
        return (pages.entry(i) & PageMigration.MIGRATE) != 0;
    }

    /**
     * {@return whether there is no page yet, or only the zero page}
     *
     * @param i which page
     */
    public boolean hole(int i) {
        return (pages.entry(i) & PageMigration.VALID) == 0;
    }

    /**
     * {@return whether the process may write the page}
     *
     * @param i which page
     */
    public boolean writable(int i) {
        return (pages.entry(i) & PageMigration.WRITE) != 0;
    }

    /**
     * {@return the frame a page lives in; 0 for a hole}
     *
     * @param i which page
     */
    public long frame(int i) {
        return pages.source(i);
    }

    /**
     * {@return the address of a page; only in a migration of a range}
     *
     * @param i which page
     */
    public long address(int i) {
        return Page.address(pages.start() + i);
    }
}
