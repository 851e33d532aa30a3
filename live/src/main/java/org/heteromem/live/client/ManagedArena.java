package org.heteromem.live.client;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/**
 * An arena of managed memory. Lifetime and thread rules are those of an arena of the JDK that it holds and whose scope its
 * segments have: the JDK itself checks every access, and a closed arena's memory cannot be reached by them any more.
 */
final class ManagedArena implements Arena {
    private final Arena inner;
    private final ArenaMemory memory;
    private final Consumer<List<Run>> ended;

    /**
     * @param inner gives the rules
     * @param ended frees what the arena had; runs once, when its scope has been closed
     */
    ManagedArena(Arena inner, ArenaMemory memory, Consumer<List<Run>> ended) {
        this.inner = inner;
        this.memory = memory;
        this.ended = ended;
    }

    @Override
    @SuppressWarnings("restricted") // the bytes at the address are this arena's until the inner one has closed
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        if (byteSize < 0) {
            throw new IllegalArgumentException("Invalid allocation size : " + byteSize);
        }
        if (byteAlignment <= 0 || Long.bitCount(byteAlignment) != 1) {
            throw new IllegalArgumentException("Invalid alignment constraint : " + byteAlignment);
        }
        // Of no bytes yet: throws what an arena throws when it is closed or another thread's.
        MemorySegment none = MemorySegment.ofAddress(byteAlignment).reinterpret(0, inner, null);
        if (byteSize == 0) {
            return none;
        }
        return MemorySegment.ofAddress(memory.allocate(byteSize, byteAlignment)).reinterpret(byteSize, inner, null);
    }

    @Override
    public MemorySegment.Scope scope() {
        return inner.scope();
    }

    @Override
    public void close() {
        ended.accept(memory.close(inner));
    }

    @Override
    public String toString() {
        return "managed arena " + inner;
    }
}
