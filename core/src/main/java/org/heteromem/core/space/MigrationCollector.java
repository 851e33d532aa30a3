package org.heteromem.core.space;

import static org.heteromem.core.space.PageMigration.EXCLUSIVE;
import static org.heteromem.core.space.PageMigration.FRAME_SHIFT;
import static org.heteromem.core.space.PageMigration.MAPPED;
import static org.heteromem.core.space.PageMigration.MIGRATE;
import static org.heteromem.core.space.PageMigration.SELECT_DEVICE_COHERENT;
import static org.heteromem.core.space.PageMigration.SELECT_DEVICE_PRIVATE;
import static org.heteromem.core.space.PageMigration.SELECT_SYSTEM;
import static org.heteromem.core.space.PageMigration.SOLE;
import static org.heteromem.core.space.PageMigration.VALID;
import static org.heteromem.core.space.PageMigration.WRITE;

import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameTable;

/**
 * The first step of a {@link PageMigration} of a range: locks the pages that are to move and puts migration entries in their
 * places (migrate_vma_collect).
 */
final class MigrationCollector {
    private final PageMigration migration;
    private final Machine machine;
    private final FrameTable frames;
    private final long[] sources;
    private final byte[] states;
    private long faultFrame;
    private int select;
    private int collected;

    /**
     * Makes it.
     *
     * @param migration whose entries are filled in
     * @param machine whose pages they are
     */
    MigrationCollector(PageMigration migration, Machine machine) {
        this.migration = migration;
        this.machine = machine;
        this.frames = machine.frames;
        this.sources = migration.sources;
        this.states = migration.states;
    }

    /**
     * Takes every page that is selected and that nobody else has locked.
     *
     * @param mm whose address space, whose lock is held
     * @param area what the range is in
     * @param select which pages to take
     * @return how many pages and holes
     */
    int collect(Mm mm, Vma area, int select) {
        this.faultFrame = migration.faultFrame;
        this.select = select;
        this.collected = 0;
        long start = migration.firstPage();
        long end = start + migration.count();
        for (long page = start; page < end; page = PageTable.leafEnd(page)) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            long stop = Math.min(end, PageTable.leafEnd(page));
            if (leaf == null) {
                for (long p = page; p < stop; p++) {
                    collectHole(area, (int) (p - start));
                }
                continue;
            }
            leaf.lock.lock();
            try {
                for (long p = page; p < stop; p++) {
                    collectEntry(area, leaf, p, (int) (p - start));
                }
            } finally {
                leaf.lock.unlock();
            }
        }
        return collected;
    }

    private void collectHole(Vma area, int i) {
        if (area.isPrivate()) {
            sources[i] = MIGRATE;
            collected++;
        }
    }

    private void collectEntry(Vma area, PageTableLeaf leaf, long page, int i) {
        long entry = leaf.get(page);
        long frame = PteLayout.frame(entry);
        switch (PteLayout.kind(entry)) {
            case PteLayout.NONE -> {
                collectHole(area, i);
                return;
            }
            case PteLayout.PRESENT -> {
                if (frame == machine.zeroFrame) {
                    if ((select & SELECT_SYSTEM) != 0) {
                        collectHole(area, i);
                    }
                    return;
                }
                if (!selected(frame, DeviceKind.COHERENT, SELECT_DEVICE_COHERENT)) {
                    return;
                }
            }
            case PteLayout.DEVICE_PRIVATE -> {
                if (!selected(frame, DeviceKind.PRIVATE, SELECT_DEVICE_PRIVATE)) {
                    return;
                }
            }
            default -> {
                return;
            }
        }
        if (frame != faultFrame && !frames.tryLock(frame)) {
            return;
        }
        // The entry's reference becomes the migration's.
        if (!MigrationEntries.install(frames, leaf, page, entry)) {
            if (frame != faultFrame) {
                frames.unlock(frame);
            }
            return;
        }
        sources[i] = frame << FRAME_SHIFT | VALID | MIGRATE | (PteLayout.writable(entry) ? WRITE : 0);
        if (frames.mappings(frame) == 0) {
            states[i] = PteLayout.exclusive(leaf.get(page)) ? SOLE | EXCLUSIVE : SOLE;
        }
        if (PteLayout.kind(entry) == PteLayout.PRESENT) {
            states[i] |= MAPPED;
        }
        collected++;
    }

    private boolean selected(long frame, DeviceKind kind, int selectDevice) {
        if (frames.range(frame).owner instanceof DeviceFrames device) {
            return (select & selectDevice) != 0
                    && device.memory().kind() == kind
                    && device.memory().owner() == migration.owner;
        }
        return kind == DeviceKind.COHERENT && (select & SELECT_SYSTEM) != 0;
    }

    /**
     * Of the pages that were taken and could be written, and of no others: whoever executes the process may have to give
     * rights back one by one.
     */
    void stopWriters(Mm mm) {
        long start = migration.firstPage();
        int count = migration.count();
        for (int i = 0; i < count; ) {
            if (!hasWriters(i)) {
                i++;
                continue;
            }
            int run = i + 1;
            while (run < count && hasWriters(run)) {
                run++;
            }
            mm.mmu().stopWriters(start + i, run - i);
            i = run;
        }
    }

    private boolean hasWriters(int i) {
        return (states[i] & MAPPED) != 0 && (sources[i] & WRITE) != 0;
    }
}
