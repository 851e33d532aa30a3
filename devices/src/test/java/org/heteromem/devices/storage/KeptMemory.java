package org.heteromem.devices.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Memory that a successor finds again, and of which a copy can be taken at any moment, as a sudden end leaves it. */
final class KeptMemory implements StoreMemory {
    private final Arena arena;
    private final Map<String, MemorySegment> segments = new ConcurrentHashMap<>();

    KeptMemory(Arena arena) {
        this.arena = arena;
    }

    @Override
    public MemorySegment memory(String name, long bytes) {
        return segments.computeIfAbsent(name, _ -> arena.allocate(bytes, PageStore.ALIGNMENT));
    }

    /** {@return what a successor would find now} */
    KeptMemory copy(Arena into) {
        KeptMemory copy = new KeptMemory(into);
        segments.forEach(
                (name, segment) -> copy.memory(name, segment.byteSize()).copyFrom(segment));
        return copy;
    }
}
