package org.heteromem.core.migrate;

import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.space.Mm;
import org.heteromem.core.space.PageMigration;
import org.jspecify.annotations.Nullable;

/**
 * A migration of pages, driven by its caller (Linux: migrate_vma_setup, migrate_vma_pages, migrate_vma_finalize).
 *
 * <pre>{@code
 * try (Migration m = Migration.setup(space, address, length, Set.of(Select.SYSTEM), owner)) {
 *     for (int i = 0; i < m.pages(); i++) {
 *         if (m.sources().movable(i)) {
 *             m.setDestination(i, frameOfTheDevice());       // leaving it out declines this page
 *             m.copy(i);
 *         }
 *     }
 *     m.migrate();                                           // move identities; look at migrated(i)
 *     ...map the pages in the device table...
 * }                                                          // close: map the new or restore the old, let go
 * }</pre>
 *
 * Best effort, page by page. While it is open, touches of collected pages wait, so it must be closed soon and on every
 * path. A driver that throws in between leaves every page where it was. Not thread-safe; may be handed to another thread.
 */
public final class Migration implements AutoCloseable {
    /** The most pages in one migration: 1 GiB of base pages. */
    public static final int MAX_PAGES = 1 << 18;

    /** Which pages of a range to take; holes are always offered. */
    public enum Select {
        /** Pages in RAM and the zero page (MIGRATE_VMA_SELECT_SYSTEM). */
        SYSTEM(PageMigration.SELECT_SYSTEM),
        /** Pages in the owner's private memory (MIGRATE_VMA_SELECT_DEVICE_PRIVATE). */
        DEVICE_PRIVATE(PageMigration.SELECT_DEVICE_PRIVATE),
        /** Pages in the owner's coherent memory (MIGRATE_VMA_SELECT_DEVICE_COHERENT). */
        DEVICE_COHERENT(PageMigration.SELECT_DEVICE_COHERENT);

        private final int bit;

        Select(int bit) {
            this.bit = bit;
        }
    }

    private enum State {
        COLLECTED,
        MIGRATED,
        CLOSED
    }

    /** Knows the pages while it is open. */
    private final SourceEntries sources = new SourceEntries();

    private @Nullable Mm locked;
    private long stamp;
    private State state = State.CLOSED;

    private Migration() {}

    private void begin(PageMigration pages, @Nullable Mm locked, long stamp) {
        this.locked = locked;
        this.stamp = stamp;
        this.state = State.COLLECTED;
        sources.show(pages);
    }

    private PageMigration open() {
        return sources.open();
    }

    /**
     * Collects a range and unmaps what can move.
     *
     * @param space whose addresses
     * @param address first byte, a multiple of the page size
     * @param length bytes, a positive multiple of the page size, at most {@link #MAX_PAGES} pages
     * @param select which pages
     * @param owner whose device pages; its mirrors ignore the notification
     * @return the migration, to be closed
     * @throws MemoryException EINVAL if the range is not inside one area
     */
    public static Migration setup(AddressSpace space, long address, long length, Set<Select> select, Object owner) {
        int count = checkRange(address, length);
        Migration migration = new Migration(); // before anything is taken: there may be no heap
        Mm mm = space.mm();
        long stamp = mm.readLock();
        PageMigration pages = null;
        try {
            pages = PageMigration.ofRange(mm, Page.of(address), count, bits(select), owner, -1);
        } finally {
            if (pages == null) {
                mm.readUnlock(stamp);
            }
        }
        if (pages == null) {
            throw notOneArea(address, length);
        }
        migration.begin(pages, mm, stamp);
        return migration;
    }

    /**
     * Collects pages that are to come home for a CPU fault. The page faulted on must be in the range.
     *
     * @param fault what the driver was called with
     * @param address first byte; the range must lie in the fault's area
     * @param length bytes
     * @return the migration, to be closed before the driver returns
     */
    public static Migration forFault(DeviceFault fault, long address, long length) {
        Migration migration = new Migration();
        migration.beginForFault(fault, address, length);
        return migration;
    }

    /**
     * {@return a closed migration, for {@link #beginForFault}}
     */
    public static Migration reusable() {
        return new Migration();
    }

    /**
     * Uses a closed migration again, as {@link #forFault} makes one: for drivers that shall allocate nothing while a thread
     * waits. Nobody else may still refer to it.
     *
     * @param fault what the driver was called with
     * @param address first byte; the range must lie in the fault's area
     * @param length bytes
     * @throws IllegalStateException if it is not closed
     * @throws MemoryException EINVAL if the range is not inside one area
     */
    public void beginForFault(DeviceFault fault, long address, long length) {
        need(State.CLOSED, "beginForFault");
        int count = checkRange(address, length);
        PageMigration pages = PageMigration.ofRange(
                fault.mm(),
                Page.of(address),
                count,
                PageMigration.SELECT_DEVICE_PRIVATE,
                fault.memory().owner(),
                fault.frame());
        if (pages == null) {
            throw notOneArea(address, length);
        }
        begin(pages, null, 0);
    }

    /**
     * Collects pages by frame, in all processes (migrate_device_pfns). Free, locked and foreign-referenced ones are passed
     * over: who must empty a device calls again.
     *
     * @param manager whose memory
     * @param frames frame numbers, of RAM or of a device
     * @return the migration, to be closed
     */
    public static Migration ofFrames(MemoryManager manager, long[] frames) {
        Migration migration = new Migration();
        migration.begin(PageMigration.ofFrames(manager.machine(), frames.clone()), null, 0);
        return migration;
    }

    /**
     * The face with two callbacks (migrate_vma of 2017): allocate and copy, then finalize.
     *
     * @param space whose addresses
     * @param address first byte
     * @param length bytes
     * @param select which pages
     * @param owner whose device pages
     * @param operations the callbacks
     * @return how many pages moved
     */
    public static int run(
            AddressSpace space,
            long address,
            long length,
            Set<Select> select,
            Object owner,
            MigrationOperations operations) {
        try (Migration migration = setup(space, address, length, select, owner)) {
            operations.allocateAndCopy(migration.sources(), migration);
            int moved = migration.migrate();
            operations.finalizeAndMap(migration.sources(), migration);
            return moved;
        }
    }

    private static int bits(Set<Select> select) {
        int bits = 0;
        for (Select s : select) {
            bits |= s.bit;
        }
        return bits;
    }

    private static int checkRange(long address, long length) {
        if (address < 0
                || (address & Page.OFFSET_MASK) != 0
                || (length & Page.OFFSET_MASK) != 0
                || length <= 0
                || Page.of(length) > MAX_PAGES) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "cannot migrate " + length + " bytes at 0x" + Long.toHexString(address) + ": whole pages, 1 to "
                            + MAX_PAGES + " of them");
        }
        return (int) Page.of(length);
    }

    private static MemoryException notOneArea(long address, long length) {
        return new MemoryException(
                Errno.EINVAL,
                "cannot migrate " + length + " bytes at 0x" + Long.toHexString(address)
                        + ": the range is not inside one mapped area");
    }

    private void need(State wanted, String what) {
        if (state != wanted) {
            throw new IllegalStateException(what + " on a migration that is " + state);
        }
    }

    private void checkMovable(int i) {
        if (!sources.movable(i)) {
            throw new MemoryException(
                    Errno.EINVAL, "page " + i + " of the migration cannot move; check sources().movable first");
        }
        if (open().destination(i) != 0) {
            throw new MemoryException(Errno.EEXIST, "page " + i + " of the migration has a destination already");
        }
    }

    /** {@return how many pages the range has} */
    public int pages() {
        return open().count();
    }

    /** {@return how many of them can move (cpages)} */
    public int collected() {
        return open().collected();
    }

    /** {@return the source entries, read-only} */
    public SourceEntries sources() {
        return sources;
    }

    /**
     * Gives a page a frame of device memory to go to.
     *
     * @param i which page
     * @param frame a frame readied by {@link org.heteromem.core.device.DeviceMemory#initFrame}; given back if unused
     * @throws MemoryException EINVAL if the page cannot move or the frame is none that was readied and is still unused, EEXIST
     *     if the page has a destination already
     */
    public void setDestination(int i, long frame) {
        need(State.COLLECTED, "setDestination");
        checkMovable(i);
        open().setDestination(i, frame);
    }

    /**
     * Gives a page a frame of RAM to go to: the nearest, or, for a page of homed memory, its own.
     *
     * @param i which page
     * @return false if no frame is free
     */
    public boolean allocateRam(int i) {
        return allocate(i, null);
    }

    /**
     * Gives all pages that can move and have no destination frames of RAM to go to, as {@link #allocateRam(int)} does, but no
     * holes.
     *
     * @return how many got one: fewer if there are not enough
     */
    public int allocateRam() {
        need(State.COLLECTED, "allocateRam");
        return open().allocateRam();
    }

    /**
     * Gives a page a frame of a certain node to go to.
     *
     * @param i which page
     * @param node the node
     * @return false if that node has no free frame
     */
    public boolean allocateRam(int i, MemoryNode node) {
        if (!(node instanceof RamNode ram) || !open().owns(ram)) {
            throw new MemoryException(Errno.EINVAL, "not a node of this machine: " + node);
        }
        return allocate(i, ram);
    }

    private boolean allocate(int i, @Nullable RamNode node) {
        need(State.COLLECTED, "allocateRam");
        checkMovable(i);
        return open().allocateRam(i, node);
    }

    /**
     * Lets the frame of private device memory that a page leaves stay as its copy (architecture: backing copies; Linux: swap
     * cache). The page arrives clean; its process's first store faults, and before it goes through the copy is given up.
     *
     * @param i which page; with a destination in RAM
     * @return false if that cannot be: the page is shared, or does not come from private memory
     */
    public boolean keepSource(int i) {
        need(State.COLLECTED, "keepSource");
        return open().keepSource(i);
    }

    /**
     * {@return whether a page moved and its source stays as its copy; after {@link #migrate}}
     *
     * @param i which page
     */
    public boolean keepsSource(int i) {
        return migrated(i) && open().keepsSource(i);
    }

    /**
     * Sends a clean page to the frame that still holds its contents. Nothing is to be copied, and {@link #decline} gives up
     * the copy.
     *
     * @param i which page; without a destination
     * @param memory where the copy must be
     * @return the frame, or 0 if the page has no copy there
     */
    public long reuseCopy(int i, DeviceMemory memory) {
        need(State.COLLECTED, "reuseCopy");
        return open().destination(i) != 0 ? 0 : memory.reuseCopy(open(), i);
    }

    /**
     * {@return the frame a page goes to, or 0}
     *
     * @param i which page
     */
    public long destination(int i) {
        return open().destination(i);
    }

    /**
     * Takes a page's destination away again, for a page that turned out not to be readable or writable: it stays where it
     * is, and the frame is given back.
     *
     * @param i which page; one without a destination is declined already
     */
    public void decline(int i) {
        need(State.COLLECTED, "decline");
        open().decline(i);
    }

    /**
     * Copies a page to its destination on the calling thread; a hole becomes zeros. A driver with a copy engine copies in its
     * own way instead.
     *
     * @param i which page
     */
    public void copy(int i) {
        need(State.COLLECTED, "copy");
        if (open().destination(i) == 0) {
            throw new MemoryException(Errno.EINVAL, "page " + i + " of the migration has no destination to copy to");
        }
        open().copy(i);
    }

    /** Copies every page that has a destination, on the calling thread, neighbouring frames in one go; holes become zeros. */
    public void copyAll() {
        need(State.COLLECTED, "copyAll");
        open().copyAll();
    }

    /**
     * Declares a page's contents gone (MIGRATE_PFN_ERROR of 2017): every later touch fails with an error that names address
     * and device.
     *
     * @param i which page; not a hole
     */
    public void markLost(int i) {
        need(State.COLLECTED, "markLost");
        if (!sources.movable(i) || sources.hole(i)) {
            throw new MemoryException(Errno.EINVAL, "page " + i + " of the migration has no contents to lose");
        }
        open().markLost(i);
    }

    /**
     * Moves the identity of every page that has a destination and is still unreferenced from outside.
     *
     * @return how many moved
     */
    public int migrate() {
        need(State.COLLECTED, "migrate");
        // First: if something is thrown half-way, those that have moved stay where they are now.
        state = State.MIGRATED;
        open().movePages();
        return open().moved();
    }

    /**
     * {@return whether a page moved; after {@link #migrate}}
     *
     * @param i which page
     */
    public boolean migrated(int i) {
        return state != State.COLLECTED && sources.movable(i);
    }

    /** Maps the new pages or restores the old, and lets everything go; nothing can be asked of them afterwards. Idempotent. */
    @Override
    public void close() {
        if (state == State.CLOSED) {
            return;
        }
        PageMigration pages = open();
        if (state == State.COLLECTED) {
            pages.giveUp();
        }
        state = State.CLOSED;
        sources.show(null);
        Mm mm = locked;
        locked = null;
        try {
            pages.finish();
        } finally {
            if (mm != null) {
                mm.readUnlock(stamp);
            }
        }
    }
}
