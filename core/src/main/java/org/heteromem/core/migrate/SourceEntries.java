package org.heteromem.core.migrate;

import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.space.PageMigration;
import org.jspecify.annotations.Nullable;

/** What a driver may know of the pages in a migration: a view that cannot change them (migrate_vma.src). */
public final class SourceEntries {
    /** Null once the migration is closed: what was here is another one's then. */
    private @Nullable PageMigration open;

    SourceEntries() {}

    /** Says whose these are from now on; null for nobody's. */
    void show(@Nullable PageMigration pages) {
        open = pages;
    }

    /**
     * {@return what these are the entries of}
     *
     * @throws IllegalStateException if the migration is closed
     */
    PageMigration open() {
        PageMigration pages = open;
        if (pages == null) {
            throw new IllegalStateException("this migration is closed: nothing is known of its pages any more");
        }
        return pages;
    }

    /** {@return how many pages there are} */
    public int size() {
        return open().count();
    }

    /**
     * {@return whether a page can move; after {@link Migration#migrate}: whether it did}
     *
     * @param i which page
     */
    public boolean movable(int i) {
        return (open().entry(i) & PageMigration.MIGRATE) != 0;
    }

    /**
     * {@return whether there is no page yet, or only the zero page}
     *
     * @param i which page
     */
    public boolean hole(int i) {
        return (open().entry(i) & PageMigration.VALID) == 0;
    }

    /**
     * {@return whether the process may write the page}
     *
     * @param i which page
     */
    public boolean writable(int i) {
        return (open().entry(i) & PageMigration.WRITE) != 0;
    }

    /**
     * {@return the frame a page lives in; 0 for a hole}
     *
     * @param i which page
     */
    public long frame(int i) {
        return open().source(i);
    }

    /** Is given a place where a page is mapped. */
    @FunctionalInterface
    public interface MappingVisitor {
        /**
         * Sees one mapping.
         *
         * @param space the process
         * @param address first byte of the page there
         */
        void visit(AddressSpace space, long address);
    }

    /**
     * Names one address at which a page is mapped, for a driver that keeps books by address; before {@link
     * Migration#migrate}.
     *
     * @param i which page; movable and not a hole
     * @param visitor called at most once, and not at all if the page is mapped nowhere any more; under a lock of the
     *     reverse map, so it must not call into the memory manager
     */
    public void mapping(int i, MappingVisitor visitor) {
        open().mapping(i, (mm, page) -> visitor.visit(mm.face(), Page.address(page)));
    }

    /**
     * {@return the address of a page; only in a migration of a range}
     *
     * @param i which page
     */
    public long address(int i) {
        return Page.address(open().firstPage() + i);
    }
}
