package org.heteromem.devices.accelerator;

import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.policy.PageRange;

/**
 * A CPU touched a page of the device: brings home what the policy says, within the area. Called with the process's lock
 * held, shared, and so asks nothing of the process that would take it again.
 */
final class Homecoming {
    private final Machinery device;

    Homecoming(Machinery device) {
        this.device = device;
    }

    /** What of a range around a page RAM has room for: halved until it fits, and the page at least. */
    private PageRange fitting(PageRange range, int page) {
        if (page < range.first() || page >= range.end()) {
            return new PageRange(page, 1);
        }
        long free = device.availableRam();
        PageRange fits = range;
        for (int size = Integer.highestOneBit(range.pages()); fits.pages() > Math.max(free, 1); size /= 2) {
            PageRange around = PageRange.around(page, size);
            int first = Math.max(range.first(), around.first());
            fits = new PageRange(first, Math.min(range.end(), around.end()) - first);
        }
        return fits;
    }

    DriverResult migrateToRam(DeviceFault fault) {
        Mirror mirror = device.mirror(fault.space());
        long page = Page.of(fault.address());
        DeviceBlock block = mirror.table().block(page);
        int offset = (int) (page - block.firstPage());
        PageRange range = fitting(device.policies().placement().cpuFault(block, offset), offset);
        long from = Math.max(block.firstPage() + range.first(), Page.of(fault.areaStart()));
        long to = Math.min(block.firstPage() + range.end(), Page.of(fault.areaEnd()));
        long address = Page.address(from);
        try (Machinery.Moving _ = device.startMoving();
                Migration migration = Migration.forFault(fault, address, Page.address(to - from))) {
            int touched = (int) (page - from);
            SourceEntries sources = migration.sources();
            if (!sources.movable(touched) || sources.hole(touched)) {
                return DriverResult.DONE;
            }
            if (!migration.allocateRam(touched)) {
                return DriverResult.NO_MEMORY;
            }
            mirror.forget(migration);
            migration.allocateRam();
            device.transfers().copy(migration);
            int moved = migration.migrate();
            boolean home = migration.migrated(touched);
            Tally tally = device.tally();
            tally.cpuFaults.add(moved > 0 ? 1 : 0);
            tally.toRamForFaults.add(home ? 1 : 0);
            tally.toRamAhead.add(moved - (home ? 1 : 0));
            return DriverResult.DONE;
        }
    }
}
