package org.heteromem.live.daemon;

import java.util.EnumSet;
import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.devices.storage.FaultAround;

/**
 * Makes pages ahead of their first touch where a program fills memory in sequence, so that it stops for a few of them only
 * (Linux: large folios of anonymous memory). A fault of a live process is answered by another process, which costs many times
 * what zeroing a page does.
 *
 * <p>Frugal: it begins with one page and doubles while each touch is right behind what was made last; it makes none outside
 * what is allocated, and none where RAM is short. Of a program that fills memory and goes on in steps it cannot know that it
 * leaves some out. The pump's thread only.
 */
final class ZeroAhead {
    /** The most pages at a time: as many as are zeroed in the time that a few faults take. */
    private static final int MOST_PAGES = 64;

    private static final Set<Migration.Select> NO_PAGE_THAT_IS = EnumSet.of(Migration.Select.DEVICE_PRIVATE);

    private final AddressSpace space;
    private final LiveMmu mmu;
    private final FaultAround sequences = FaultAround.adaptive(MOST_PAGES);

    ZeroAhead(AddressSpace space, LiveMmu mmu) {
        this.space = space;
        this.mmu = mmu;
    }

    /**
     * A page was touched for the first time, and made.
     *
     * @param page its number
     * @param mostPages how many frames may be used now
     */
    void touched(long page, long mostPages) {
        int block = sequences.pages(space, page);
        long end = (page & -block) + block;
        int ahead = (int) Math.min(end - page - 1, mostPages);
        Region region = mmu.regionOf(page);
        if (ahead <= 0 || region == null || !allocated(region, region.index(page) + 1, ahead)) {
            return;
        }
        // Of no device's owner: of the pages that are there, none is taken.
        try (Migration migration =
                Migration.setup(space, Page.address(page + 1), Page.address(ahead), NO_PAGE_THAT_IS, this)) {
            SourceEntries sources = migration.sources();
            for (int i = 0; i < ahead; i++) {
                if (sources.movable(i) && !migration.allocateRam(i)) {
                    break;
                }
            }
            migration.migrate();
        } catch (MemoryException e) {
            if (space.areaAt(Page.address(page)) != null) {
                throw e;
            }
            // It is in no area any more: its region has just been taken down.
        }
    }

    /** What lies outside is nobody's, and would take room until it is evicted. */
    private static boolean allocated(Region region, long first, int count) {
        return Page.address(first + count) <= region.bytes && region.allocated.count(first, count) == count;
    }
}
