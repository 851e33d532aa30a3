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
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
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
     * @return how many came
     */
    int bring(Mirror mirror, DeviceBlock block, PageRange range, BitSet touched) {
        long page = block.firstPage() + range.first();
        long end = block.firstPage() + range.end();
        int came = 0;
        while (page < end) {
            Area area = mirror.space().areaAt(Page.address(page));
            if (area == null) {
                page++;
                continue;
            }
            long stop = Math.min(end, Page.of(area.address() + area.length()));
            if (area.protection().readable()) {
                came += bring(mirror, block, page, stop, touched);
            }
            page = stop;
        }
        return came;
    }

    private int bring(Mirror mirror, DeviceBlock block, long from, long to, BitSet touched) {
        int missing = 0;
        for (long page = from; page < to; page++) {
            missing += block.onDevice((int) (page - block.firstPage())) ? 0 : 1;
        }
        int came = 0;
        if (missing > 0) {
            BitSet keep = (BitSet) touched.clone();
            keep.set((int) (from - block.firstPage()), (int) (to - block.firstPage()));
            device.eviction().makeRoom(missing, block, keep);
            fetch(mirror, from, (int) (to - from));
            came = move(mirror, block, from, to, touched);
        }
        mirror.mirrorOwn(from, (int) (to - from));
        return came;
    }

    /** Whatever is neither in RAM nor here may be on another device, from where it comes to RAM first. */
    private void fetch(Mirror mirror, long from, int pages) {
        if (device.host().reachable()) {
            return;
        }
        for (long entry : RangeFault.snapshot(mirror.space(), device, Page.address(from), pages)) {
            if (!MirrorEntry.valid(entry)) {
                device.host().fetch(mirror.space(), Page.address(from), Page.address(pages));
                return;
            }
        }
    }

    private int move(Mirror mirror, DeviceBlock block, long from, long to, BitSet touched) {
        long address = Page.address(from);
        try (Machinery.Moving _ = device.startMoving();
                Migration migration =
                        Migration.setup(mirror.space(), address, Page.address(to - from), SYSTEM, device)) {
            if (migration.collected() == 0) {
                return 0;
            }
            // The notifier leaves the entries of our own migrations to us: they go before anything is copied.
            mirror.forget(migration);
            if (device.pool().freeForNewPages() < migration.collected()) {
                allocate(migration, block, from, touched, true);
            }
            allocate(migration, block, from, touched, false);
            device.transfers().copy(migration);
            int moved = migration.migrate();
            count(migration, block, from, touched);
            return moved;
        } catch (MemoryException e) {
            // The area went or changed since we looked: what is still there is mirrored in place or refused.
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            return 0;
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
            if (frame != FramePool.NONE && device.memory().tryInitFrame(frame)) {
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
