package org.heteromem.live.daemon;

import java.util.EnumSet;
import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.jspecify.annotations.Nullable;

/**
 * Makes pages ahead of their first touch where a program fills memory in sequence, so that it stops for a few of them only
 * (Linux: large folios of anonymous memory). A fault of a live process is answered by another process, which costs many times
 * what zeroing a page does.
 *
 * <p>Pages are made while the program fills those that were made before (Linux: asynchronous readahead): of each run the first
 * page is left out, and its touch tells that the run before is full. So the next run is there already, and the one after it
 * is made now:
 *
 * <pre>
 *   full . . . . . .│▪ touched │made before│▫ left out │made now│▫ touched next but one
 * </pre>
 *
 * <p>Frugal: it begins with one page, and doubles while each touch is where it was expected; it makes none outside what is
 * allocated, and where RAM is short it makes room for a sequence that has gone on for a while and for no other. Of a program
 * that fills memory and goes on in steps it cannot know that it leaves some out. The pump's thread only.
 */
final class ZeroAhead {
    /** Frames for what nobody has asked for yet. */
    interface Room {
        /** {@return how many frames may be used now: none if negative} */
        long framesToSpare();

        /** {@return whether some cold pages have left RAM for it, here and now} */
        boolean makeRoomAhead();

        /** {@return how many pages one sequence may have made for it at a time} */
        int mostAhead();
    }

    /** The most pages at a time, beside the one that is left out: to zero them takes as long as a few faults. */
    private static final int MOST_PAGES = 63;

    /** So many pages touched in sequence, or wanted of one that doubles, are no accident: others may leave RAM for it. */
    private static final int SURE = 15;

    /** How many sequences are told apart; two that meet make each other begin again. */
    private static final int ENTRY_BITS = 10;

    private static final int COUNT_BITS = 8;
    private static final int COUNT_MASK = (1 << COUNT_BITS) - 1;
    private static final int PAGE_SHIFT = 2 * COUNT_BITS;

    private static final Set<Migration.Select> NO_PAGE_THAT_IS = EnumSet.of(Migration.Select.DEVICE_PRIVATE);

    private final AddressSpace space;
    private final LiveMmu mmu;
    private final Room room;
    /** A page that was left out, how many were wanted behind it, and how many were made; in the place of that page. */
    private final long[] leftOut = new long[1 << ENTRY_BITS];

    ZeroAhead(AddressSpace space, LiveMmu mmu, Room room) {
        this.space = space;
        this.mmu = mmu;
        this.room = room;
    }

    private static int entry(long page) {
        return (int) (page * 0x9E3779B97F4A7C15L >>> (Long.SIZE - ENTRY_BITS));
    }

    /**
     * A page was touched for the first time, and made.
     *
     * @param page its number
     */
    void touched(long page) {
        long seen = leftOut[entry(page)];
        boolean expected = seen >>> PAGE_SHIFT == page;
        int made = expected ? (int) seen & COUNT_MASK : 0;
        int wanted = expected ? more((int) (seen >>> COUNT_BITS) & COUNT_MASK, made) : 0;
        long next = page + made + 1;
        int there = wanted == 0 ? 0 : make(mmu.regionOf(page), next + 1, wanted);
        leftOut[entry(next)] = next << PAGE_SHIFT | (long) wanted << COUNT_BITS | there;
    }

    /** Twice as many where all could be made that were wanted; where not, a sequence has yet to show that it goes on. */
    private int more(int wanted, int made) {
        return Math.min(Math.min(MOST_PAGES, room.mostAhead()), made == wanted ? 2 * wanted + 1 : wanted + 1);
    }

    private int spared(int pages, boolean sure) {
        long spare = room.framesToSpare();
        if (spare < pages && sure && room.makeRoomAhead()) {
            spare = room.framesToSpare();
        }
        return Math.clamp(spare, 0, pages);
    }

    /** {@return how many pages from the first on are there now} */
    private int make(@Nullable Region region, long first, int wanted) {
        if (region == null) {
            return 0;
        }
        int pages = wanted;
        while (pages > 0 && !allocated(region, region.index(first), pages)) {
            pages /= 2;
        }
        pages = pages == 0 ? 0 : spared(pages, wanted >= SURE);
        if (pages == 0) {
            return 0;
        }
        // Of no device's owner: of the pages that are there, none is taken.
        try (Migration migration =
                Migration.setup(space, Page.address(first), Page.address(pages), NO_PAGE_THAT_IS, this)) {
            SourceEntries sources = migration.sources();
            int there = 0;
            while (there < pages && (!sources.movable(there) || migration.allocateRam(there))) {
                there++;
            }
            migration.migrate();
            return there;
        } catch (MemoryException e) {
            if (space.areaAt(Page.address(first)) != null) {
                throw e;
            }
            // It is in no area any more: its region has just been taken down.
            return 0;
        }
    }

    /** What lies outside is nobody's, and would take room until it is evicted. */
    private static boolean allocated(Region region, long first, int count) {
        return Page.address(first + count) <= region.bytes && region.allocated.count(first, count) == count;
    }
}
