package org.heteromem.devices.storage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.function.LongPredicate;
import org.heteromem.core.Page;

/**
 * A word for each page of a store, in memory that survives: 0 means no contents. A page in front says what the words are
 * of, and up to where they were ever used, so that recovery touches no memory that never was. Thread-safe.
 *
 * <pre>  | magic | geometry | high water | ... 4096 | word of page 0 | word of page 1 | ...  </pre>
 */
final class PageWords {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final long MAGIC = 0x4845_5445_524F_0001L;
    private static final long GEOMETRY = 8;
    private static final long HIGH_WATER = 16;
    private static final long FRONT_BYTES = 4096;
    private static final int STEP = 512;

    private final String store;
    private final MemorySegment memory;
    private final long pages;
    private final long geometry;

    PageWords(String store, String use, long pages, long geometry, StoreMemory port) {
        this.store = store;
        this.pages = pages;
        this.geometry = geometry;
        this.memory = port.memory(store + "." + use, FRONT_BYTES + Page.address(Page.count(pages * Long.BYTES)));
        if ((long) WORD.getAcquire(memory, 0L) == 0) {
            WORD.set(memory, GEOMETRY, geometry);
            WORD.setRelease(memory, 0L, MAGIC);
        }
    }

    private static long at(long page) {
        return FRONT_BYTES + page * Long.BYTES;
    }

    long get(long page) {
        return (long) WORD.getAcquire(memory, at(page));
    }

    /** Sets a word; what was written before is there for whoever sees it. */
    void set(long page, long word) {
        if (page >= (long) WORD.getAcquire(memory, HIGH_WATER)) {
            raiseHighWater(page);
        }
        WORD.setRelease(memory, at(page), word);
    }

    private void raiseHighWater(long page) {
        long wanted = Math.min(pages, (page / STEP + 1) * STEP);
        for (; ; ) {
            long now = (long) WORD.getVolatile(memory, HIGH_WATER);
            if (now >= wanted || WORD.compareAndSet(memory, HIGH_WATER, now, wanted)) {
                return;
            }
        }
    }

    /** Says what becomes of a page that a predecessor left. */
    @FunctionalInterface
    interface Judge {
        /** {@return whether a page with contents is kept; else its word was seen to} */
        boolean keep(long page, long word);
    }

    /**
     * Goes over what a predecessor left: clears the words of unused pages, has the others judged.
     *
     * @return how many were kept
     */
    long recover(LongPredicate used, Judge judge) {
        long found = (long) WORD.get(memory, GEOMETRY);
        if (found != geometry) {
            throw new IllegalStateException("the memory of device '" + store
                    + "' was written with another size or kind (0x" + Long.toHexString(found) + ", now 0x"
                    + Long.toHexString(geometry) + "): open it as it was, or give the device fresh memory");
        }
        long kept = 0;
        long end = Math.clamp((long) WORD.getAcquire(memory, HIGH_WATER), 0, pages);
        for (long page = 0; page < end; page++) {
            long word = get(page);
            if (word == 0) {
                continue;
            }
            if (!used.test(page)) {
                WORD.setRelease(memory, at(page), 0L);
            } else if (judge.keep(page, word)) {
                kept++;
            }
        }
        return kept;
    }
}
