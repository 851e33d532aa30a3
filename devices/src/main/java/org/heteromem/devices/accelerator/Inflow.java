package org.heteromem.devices.accelerator;

import java.util.BitSet;
import java.util.Set;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.policy.PageRange;

/** Brings ranges of a block to the device, making room there first. */
final class Inflow {
    private static final Set<Select> SYSTEM = Set.of(Select.SYSTEM);

    private final Machinery device;

    Inflow(Machinery device) {
        this.device = device;
    }

    /**
     * Migrates what can be migrated of a range, area by area, and enters it into the device's table.
     *
     * @param mirror of the process
     * @param block the block
     * @param range pages of the block
     * @param touched the pages that somebody waits for; they get frames first
     */
    void bring(Mirror mirror, DeviceBlock block, PageRange range, BitSet touched) {
        long page = block.firstPage() + range.first();
        long end = block.firstPage() + range.end();
        while (page < end) {
            Area area = mirror.space().areaAt(Page.address(page));
            if (area == null) {
                page++;
                continue;
            }
            long stop = Math.min(end, Page.of(area.address() + area.length()));
            if (area.protection().readable()) {
                bring(mirror, block, page, stop, touched);
            }
            page = stop;
        }
    }

    private void bring(Mirror mirror, DeviceBlock block, long from, long to, BitSet touched) {
        int missing = 0;
        for (long page = from; page < to; page++) {
            missing += block.onDevice((int) (page - block.firstPage())) ? 0 : 1;
        }
        if (missing > 0) {
            BitSet keep = (BitSet) touched.clone();
            keep.set((int) (from - block.firstPage()), (int) (to - block.firstPage()));
            device.eviction().makeRoom(missing, block, keep);
            move(mirror, block, from, to, touched);
        }
        mirror.mirrorOwn(from, (int) (to - from));
    }

    private void move(Mirror mirror, DeviceBlock block, long from, long to, BitSet touched) {
        long address = Page.address(from);
        try (Machinery.Moving _ = device.startMoving();
                Migration migration =
                        Migration.setup(mirror.space(), address, Page.address(to - from), SYSTEM, device)) {
            if (migration.collected() == 0) {
                return;
            }
            // The notifier leaves the entries of our own migrations to us: they go before anything is copied.
            mirror.forget(migration);
            if (device.pool().freeForNewPages() < migration.collected()) {
                allocate(migration, block, from, touched, true);
            }
            allocate(migration, block, from, touched, false);
            device.transfers().copy(migration);
            migration.migrate();
            count(migration, block, from, touched);
        } catch (MemoryException e) {
            // The area went or changed since we looked: what is still there is mirrored in place or refused.
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
        }
    }

    private void allocate(Migration migration, DeviceBlock block, long from, BitSet touched, boolean touchedOnly) {
        SourceEntries sources = migration.sources();
        for (int i = 0; i < migration.pages(); i++) {
            if (!sources.movable(i) || migration.destination(i) != 0) {
                continue;
            }
            long page = from + i;
            if (touchedOnly && !touched.get((int) (page - block.firstPage()))) {
                continue;
            }
            FramePool pool = device.pool();
            long frame = sources.hole(i) ? pool.allocateForNewPage() : pool.allocate();
            if (frame != FramePool.NONE) {
                device.memory().initFrame(frame);
                pool.assign(frame, block, page);
                migration.setDestination(i, frame);
            }
        }
    }

    private void count(Migration migration, DeviceBlock block, long from, BitSet touched) {
        SourceEntries sources = migration.sources();
        Tally tally = device.tally();
        for (int i = 0; i < migration.pages(); i++) {
            if (migration.migrated(i)) {
                boolean wanted = touched.get((int) (from + i - block.firstPage()));
                (wanted ? tally.toDeviceForFaults : tally.toDeviceAhead).increment();
                tally.newOnDevice.add(sources.hole(i) ? 1 : 0);
            }
        }
    }
}
