package org.heteromem.core.space;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.Objects;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A page table under its leaves' locks: a first touch, a mapping that a migrator takes away, a table that is missing. */
@Tag("lincheck")
class PageTableModelTest {
    private static final int SLOT = 3;

    private final MemoryManager manager =
            MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build();
    private final Machine machine = manager.machine();
    private final FrameTable frames = machine.frames;

    @AfterEach
    void close() {
        manager.close();
    }

    private void requireCounts(long frame, int mappings) {
        require(frames.references(frame) == 1, "references: " + frames.references(frame));
        require(frames.mappings(frame) == mappings, "mappings: " + frames.mappings(frame));
    }

    // ---- a first touch -----------------------------------------------------------------------------------------

    private interface Touch {
        void touch(Mm mm, long page);
    }

    /** Two threads touch a page that is not there: one frame becomes it, the other goes back. */
    private Runnable onePageForAll(Touch fault) {
        AddressSpace space = manager.createAddressSpace();
        long address = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        Mm mm = space.mm();
        long page = Page.of(address);
        mm.prepareAnon(Objects.requireNonNull(mm.areas.find(page)));
        long free = machine.preferredNode().freeFrames();
        return () -> {
            space.advise(address, Page.SIZE, Advice.DONTNEED);
            together(() -> fault.touch(mm, page), () -> fault.touch(mm, page));
            require(mm.rssAnon() == 1, "the page was counted " + mm.rssAnon() + " times");
            require(machine.preferredNode().freeFrames() == free - 1, "a frame was lost");
            requireCounts(PteLayout.frame(mm.pageTable.entry(page)), 1);
        };
    }

    @Test
    void aPageTouchedFirstByTwoIsOne() {
        holds(onePageForAll((mm, page) -> mm.faultOnce(page, Access.WRITE)));
        // Looks at the entry before it takes the lock, and does not look again.
        catches(onePageForAll((mm, page) -> {
            PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
            if (leaf.get(page) != 0) {
                return;
            }
            long frame = machine.allocateRam(Frames.ANON);
            leaf.lock.lock();
            try {
                frames.addMappingOwnReference(frame);
                leaf.set(page, PteLayout.make(PteLayout.PRESENT, frame, PteLayout.READ | PteLayout.WRITE));
                mm.rssAnon.getAndIncrement();
            } finally {
                leaf.lock.unlock();
            }
        }));
    }

    // ---- a mapping that goes -----------------------------------------------------------------------------------

    private interface Install {
        void install(PageTableLeaf leaf, long seen);
    }

    /** Whoever may store through the mapping has set its dirty bit; that must be known once the mapping is gone. */
    private void dirtyStaysDirty(Install migrator) {
        long frame = machine.allocateRam(Frames.ANON);
        long mapped = PteLayout.make(PteLayout.PRESENT, frame, PteLayout.READ | PteLayout.WRITE);
        frames.addMappingOwnReference(frame);
        PageTableLeaf leaf = new PageTableLeaf(0);
        leaf.set(SLOT, mapped);
        boolean[] touched = new boolean[1];
        together(() -> touched[0] = leaf.touch(SLOT, mapped, true), () -> {
            leaf.lock.lock();
            try {
                migrator.install(leaf, leaf.get(SLOT));
            } finally {
                leaf.lock.unlock();
            }
        });
        long entry = leaf.get(SLOT);
        require(PteLayout.kind(entry) == PteLayout.MIGRATION, "not on its way: " + PteLayout.describe(entry));
        require(
                !touched[0] || (PteLayout.dirty(entry) && frames.has(frame, Frames.DIRTY)),
                "a store was allowed, and the page counts as clean");
        requireCounts(frame, 0);
        frames.put(frame);
    }

    @Test
    void aPageOnItsWayKnowsThatItWasWritten() {
        holds(() -> dirtyStaysDirty((leaf, seen) -> MigrationEntries.install(frames, leaf, SLOT, seen)));
        // Keeps the bits that it saw, not those of the entry that it replaced.
        catches(() -> dirtyStaysDirty((leaf, seen) -> {
            long frame = PteLayout.frame(seen);
            long kept = seen & (PteLayout.YOUNG | PteLayout.DIRTY);
            leaf.exchange(SLOT, PteLayout.make(PteLayout.MIGRATION, frame, PteLayout.WRITE | kept));
            if (PteLayout.dirty(seen)) {
                frames.set(frame, Frames.DIRTY);
            }
            frames.removeMappingKeepReference(frame);
        }));
    }

    // ---- a table that is missing -------------------------------------------------------------------------------

    private interface Tables {
        PageTableLeaf leafOrMake(long page);
    }

    /** Two threads map neighbours for which there is no table: neither loses its entry with a table that loses. */
    private static void oneTableForAll(Tables tables, PageTable found) {
        long first = PteLayout.make(PteLayout.PRESENT, 1, PteLayout.READ);
        long second = PteLayout.make(PteLayout.PRESENT, 2, PteLayout.READ);
        together(
                () -> tables.leafOrMake(0).set(0, first),
                () -> tables.leafOrMake(1).set(1, second));
        require(found.entry(0) == first && found.entry(1) == second, "an entry is in a table that nobody finds");
    }

    @Test
    void entriesAreInTheTableThatIsFound() {
        holds(() -> {
            PageTable table = new PageTable();
            oneTableForAll(table::leafOrMake, table);
        });
        catches(() -> {
            PageTable table = new PageTable();
            // Looks, and puts in one of its own if there was none, whatever came meanwhile.
            oneTableForAll(
                    page -> {
                        PageTableLeaf leaf = table.leaf(page);
                        if (leaf == null) {
                            table.free(0, Page.PER_BLOCK);
                            leaf = table.leafOrMake(page);
                        }
                        return leaf;
                    },
                    table);
        });
    }
}
