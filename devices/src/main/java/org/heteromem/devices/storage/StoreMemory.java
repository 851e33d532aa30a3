package org.heteromem.devices.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a store keeps what must be there after a sudden end: its index, its slabs, its checksums. Live mode hands out
 * mappings that outlive the process; a model hands out an arena.
 *
 * <p>The same name with the same size gives the same contents again: that, and nothing else, is how a successor finds what
 * was there. Memory never handed out before reads as zeros. It stays valid until after the store is closed, and only what is
 * touched should cost anything.
 */
@FunctionalInterface
public interface StoreMemory {
    /**
     * Hands out memory.
     *
     * @param name what it is for; unique in this port, for example {@code compressed.index}
     * @param bytes its size, a positive multiple of the page size
     * @return native memory that all threads may use, aligned to a page
     */
    MemorySegment memory(String name, long bytes);

    /**
     * Hears that a range holds nothing of value any more, so that the operating system may have it back. What it reads as
     * afterwards does not matter.
     *
     * @param name as in {@link #memory}
     * @param offset first byte, a multiple of the page size
     * @param bytes length, a multiple of the page size
     */
    default void release(String name, long offset, long bytes) {}

    /**
     * {@return memory of an arena: zeroed, and so taken from the system, at once}
     *
     * @param arena a shared arena, to be closed after the memory manager
     */
    static StoreMemory of(Arena arena) {
        return (_, bytes) -> arena.allocate(bytes, PageStore.ALIGNMENT);
    }
}
