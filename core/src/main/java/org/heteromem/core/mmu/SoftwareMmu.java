package org.heteromem.core.mmu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The MMU of threads that translate in software: tells every translation cache of a process what has changed. Thread-safe. */
public final class SoftwareMmu implements Mmu {
    private volatile TranslatedMemory[] caches = {};

    /** Makes one without threads. */
    public SoftwareMmu() {}

    /**
     * Adds a thread's cache.
     *
     * @param cache an empty cache
     */
    public synchronized void attach(TranslatedMemory cache) {
        TranslatedMemory[] grown = Arrays.copyOf(caches, caches.length + 1);
        grown[caches.length] = cache;
        caches = grown;
    }

    /**
     * Removes a thread's cache; the thread must not use it any more.
     *
     * @param cache a cache that was attached
     */
    public synchronized void detach(TranslatedMemory cache) {
        caches = Arrays.stream(caches).filter(c -> c != cache).toArray(TranslatedMemory[]::new);
    }

    /** Sees what threads have at hand. */
    @FunctionalInterface
    public interface TranslationVisitor {
        /**
         * Sees a translation.
         *
         * @param page the page number
         * @param segment the memory that an access would go to
         * @param offset the offset in it of the page's first byte
         * @param writable whether for stores
         */
        void translation(long page, MemorySegment segment, long offset, boolean writable);
    }

    /**
     * For the state checker: shows every translation that an access would use; only while no thread makes any.
     *
     * @param visitor what is called for each
     * @return whether no store is under way
     */
    public boolean audit(TranslationVisitor visitor) {
        boolean idle = true;
        for (TranslatedMemory cache : caches) {
            cache.audit(visitor);
            idle &= cache.idle();
        }
        return idle;
    }

    @Override
    public void revoke(long page) {
        for (TranslatedMemory cache : caches) {
            cache.invalidate(page);
        }
    }

    @Override
    public void stopWriters(long firstPage, long pages) {
        for (TranslatedMemory cache : caches) {
            cache.shootDown(firstPage, pages);
        }
    }

    @Override
    public void drop(long firstPage, long pages) {
        stopWriters(firstPage, pages);
    }

    @Override
    public void relocate(PageMoves moves) {
        for (int i = 0; i < moves.count(); i++) {
            if (moves.to(i) != moves.from(i) && moves.to(i) != 0) {
                drop(moves.firstPage(), moves.count());
                return;
            }
        }
    }

    @Override
    public void allowStores(long page) {
        // Threads walk the page table themselves.
    }

    @Override
    public void fill(long page, long frame, boolean writable) {
        // Threads walk the page table themselves.
    }

    @Override
    public boolean fillsWithZeros() {
        return false;
    }
}
