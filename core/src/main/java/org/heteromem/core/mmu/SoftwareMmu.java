package org.heteromem.core.mmu;

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
    public void fill(long page, long frame, boolean writable) {
        // Threads walk the page table themselves.
    }
}
