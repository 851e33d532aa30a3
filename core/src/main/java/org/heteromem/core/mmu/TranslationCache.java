package org.heteromem.core.mmu;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.heteromem.core.Page;

/**
 * The translations that one thread of execution has at hand (a TLB), with shoot-down by others.
 *
 * <p>One owner fills it and accesses memory through it; anybody may invalidate. No access pays more than its own safety
 * costs, and no one ever waits for an idle thread:
 *
 * <ul>
 *   <li>A <b>load</b> reads the word, then looks at the tag again. A shoot-down clears the tag before the frame gets new
 *       contents, so a load that read too late finds the tag gone and starts over. It writes nothing.
 *   <li>A <b>store</b> first publishes which page it is about to write, then (after a full fence) checks the tag, writes and
 *       withdraws. A shoot-down clears the tag, then (after a full fence) waits as long as somebody is publishing that page.
 *       Either the store saw the tag gone, or the shoot-down saw the store: none lands in a frame after it was copied.
 *   <li><b>Filling</b> writes the tag, then (after a full fence) looks at the page table again. Whoever changes the page
 *       table does it before clearing tags: either the fill sees the change, or the clearing sees the tag.
 * </ul>
 */
abstract class TranslationCache {
    static final int SLOTS = 1024;
    static final int SLOT_MASK = SLOTS - 1;
    private static final int FOLD_SHIFT = 9;
    static final long NO_PAGE = -1;

    static final VarHandle TAG = MethodHandles.arrayElementVarHandle(long[].class);
    static final VarHandle STORING;

    static {
        try {
            STORING = MethodHandles.lookup().findVarHandle(TranslationCache.class, "storing", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int SPINS_BEFORE_YIELD = 1000;

    final long[] readTags = new long[SLOTS];
    final long[] writeTags = new long[SLOTS];
    final MemorySegment[] segments = new MemorySegment[SLOTS];
    /** What to add to an address of the process for its place in native memory. */
    final long[] bases = new long[SLOTS];

    @SuppressWarnings("unused") // through STORING
    private long storing = NO_PAGE;

    TranslationCache() {
        Arrays.fill(readTags, NO_PAGE);
        Arrays.fill(writeTags, NO_PAGE);
        Arrays.fill(segments, MemorySegment.NULL);
    }

    /**
     * Where a page's translation lies. Areas start at multiples of 2 MiB; without the fold, pages at one offset of several
     * arrays would chase each other out of one slot. Pages of an aligned 4 MiB never collide.
     */
    static int slot(long page) {
        return (int) (page ^ page >>> FOLD_SHIFT) & SLOT_MASK;
    }

    /**
     * Enters a translation. By the owner, who must then look at its source again and call {@link #invalidate} if it changed;
     * a full fence lies in between.
     *
     * @param page the page number
     * @param segment the memory that holds the page, native; it must stay open as long as this object is used
     * @param offset offset of the page's first byte in the segment
     * @param writable whether stores may go through
     */
    protected final void install(long page, MemorySegment segment, long offset, boolean writable) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("page " + page + " lies in a segment on the heap, which has no address");
        }
        int slot = slot(page);
        TAG.setOpaque(readTags, slot, NO_PAGE);
        TAG.setOpaque(writeTags, slot, NO_PAGE);
        segments[slot] = segment;
        bases[slot] = segment.address() + offset - Page.address(page);
        TAG.setOpaque(readTags, slot, page);
        TAG.setOpaque(writeTags, slot, writable ? page : NO_PAGE);
        VarHandle.fullFence();
    }

    /**
     * Makes a translation unusable for accesses that begin from now on. By anybody, never blocks; the change that makes it
     * invalid must be visible already.
     *
     * @param page the page number
     */
    public final void invalidate(long page) {
        VarHandle.fullFence();
        drop(page);
    }

    private void drop(long page) {
        int slot = slot(page);
        if ((long) TAG.getOpaque(readTags, slot) == page) {
            TAG.setOpaque(readTags, slot, NO_PAGE);
        }
        if ((long) TAG.getOpaque(writeTags, slot) == page) {
            TAG.setOpaque(writeTags, slot, NO_PAGE);
        }
    }

    /** Shows every translation that an access would use now; for the state checker, while the owner does nothing. */
    final void audit(SoftwareMmu.TranslationVisitor visitor) {
        for (int slot = 0; slot < SLOTS; slot++) {
            long read = (long) TAG.getOpaque(readTags, slot);
            long write = (long) TAG.getOpaque(writeTags, slot);
            if (read != NO_PAGE) {
                visitor.translation(read, segments[slot], offset(slot, read), false);
            }
            if (write != NO_PAGE) {
                visitor.translation(write, segments[slot], offset(slot, write), true);
            }
        }
    }

    private long offset(int slot, long page) {
        return bases[slot] + Page.address(page) - segments[slot].address();
    }

    /** {@return whether no store is under way} */
    final boolean idle() {
        return (long) STORING.getAcquire(this) == NO_PAGE;
    }

    /**
     * Makes the translations of a range unusable and waits for stores to it that are under way. By anybody who holds no
     * page-table lock.
     *
     * @param firstPage first page number
     * @param pages how many
     */
    public final void shootDown(long firstPage, long pages) {
        VarHandle.fullFence();
        if (pages < SLOTS) {
            for (long page = firstPage; page < firstPage + pages; page++) {
                drop(page);
            }
        } else {
            for (int slot = 0; slot < SLOTS; slot++) {
                TAG.setOpaque(readTags, slot, NO_PAGE);
                TAG.setOpaque(writeTags, slot, NO_PAGE);
            }
        }
        VarHandle.fullFence();
        for (int spins = 0; ; spins++) {
            long page = (long) STORING.getAcquire(this);
            if (page == NO_PAGE || page < firstPage || page >= firstPage + pages) {
                return;
            }
            if (spins < SPINS_BEFORE_YIELD) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }
}
