package org.heteromem.live.client;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.live.wire.Wire;

/**
 * What one arena owns: runs of pages, and the chunk that small allocations are cut from. Thread-safe.
 *
 * <p>An arena frees everything at once, so nothing is ever given back inside it and a chunk is used from its start to its
 * end. Chunks grow with the arena: a small arena costs four pages, a busy one asks the daemon once a mebibyte. What does
 * not fit well into a chunk gets pages of its own.
 *
 * <p>Knows nothing of segments: it must not keep the scope of an automatic arena alive.
 */
final class ArenaMemory {
    private static final long FIRST_CHUNK_BYTES = 16 << 10;
    private static final long LAST_CHUNK_BYTES = 1 << 20;

    /** What needs more than this part of a chunk gets pages of its own. */
    private static final int SMALL_PART = 4;

    private final RegionPool pool;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Run> runs = new ArrayList<>();
    /** What keeps the arena from closing: pins and kernels. */
    private final Set<Object> holds = new HashSet<>();

    private long chunkAt;
    private long chunkEnd;
    private long nextChunkBytes = FIRST_CHUNK_BYTES;
    private boolean closed;

    ArenaMemory(RegionPool pool) {
        this.pool = pool;
    }

    /**
     * Address of some bytes of zero that nobody else has.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @throws OutOfMemoryError if there is no room; says where and what to do
     * @throws IllegalStateException if the arena was closed
     */
    long allocate(long bytes, long alignment) {
        try {
            long chunkBytes;
            lock.lock();
            try {
                requireOpen();
                long address = cut(bytes, alignment);
                if (address != 0) {
                    return address;
                }
                chunkBytes = nextChunkBytes;
            } finally {
                lock.unlock();
            }
            if (bytes > Long.MAX_VALUE - Wire.PAGE_BYTES) {
                throw new NoRoomException("that is more than an address space");
            }
            long whole = bytes + Wire.PAGE_BYTES - 1 & -Wire.PAGE_BYTES;
            boolean small = bytes <= chunkBytes / SMALL_PART && alignment <= Wire.PAGE_BYTES;
            return small ? fromNewChunk(bytes, alignment, chunkBytes, whole) : own(whole, alignment);
        } catch (NoRoomException e) {
            OutOfMemoryError error = new OutOfMemoryError("cannot allocate " + bytes + " bytes of managed memory"
                    + (alignment > Wire.PAGE_BYTES ? ", aligned to " + alignment : "") + ": " + e.getMessage()
                    + "; close arenas that are no longer needed, or give more RAM or overflow (Options, or the options"
                    + " of heteromem daemon and exec)");
            error.initCause(e);
            throw error;
        }
    }

    /** Cuts from the chunk; 0 if it is too short. */
    private long cut(long bytes, long alignment) {
        long start = chunkAt + alignment - 1 & -alignment;
        if (chunkAt == 0 || start < chunkAt || start > chunkEnd || bytes > chunkEnd - start) {
            return 0;
        }
        chunkAt = start + bytes;
        return start;
    }

    private long fromNewChunk(long bytes, long alignment, long chunkBytes, long whole) throws NoRoomException {
        Run run;
        try {
            run = pool.allocate(chunkBytes, Wire.PAGE_BYTES, this);
        } catch (NoRoomException e) {
            // A budget that is nearly used up may still have the pages that are really needed.
            return own(whole, alignment);
        }
        lock.lock();
        try {
            add(run);
            nextChunkBytes = Math.min(LAST_CHUNK_BYTES, chunkBytes * 2);
            if (run.bytes() - bytes > chunkEnd - chunkAt) { // another thread may have brought a chunk meanwhile
                chunkAt = run.address() + bytes;
                chunkEnd = run.address() + run.bytes();
            }
            return run.address();
        } finally {
            lock.unlock();
        }
    }

    private long own(long whole, long alignment) throws NoRoomException {
        Run run = pool.allocate(whole, Math.max(alignment, Wire.PAGE_BYTES), this);
        lock.lock();
        try {
            add(run);
            return run.address();
        } finally {
            lock.unlock();
        }
    }

    private void add(Run run) {
        if (closed) { // meanwhile, by another thread, which did not know of this run
            pool.freeLater(List.of(run));
            requireOpen();
        }
        runs.add(run);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("Already closed");
        }
    }

    /**
     * Ends an arena's scope, which may refuse, and lets go of its memory.
     *
     * @return what is to be freed
     * @throws IllegalStateException if pins hold its memory, a native call uses it, or it was closed
     * @throws WrongThreadException if it is confined to another thread
     * @throws UnsupportedOperationException if it is automatic
     */
    List<Run> close(Arena scope) {
        lock.lock();
        try {
            if (!holds.isEmpty()) {
                long pins = holds.stream().filter(PinnedRange.class::isInstance).count();
                throw new IllegalStateException(
                        pins > 0
                                ? "the arena cannot be closed while its memory is pinned; close its " + pins
                                        + " pins first"
                                : "the arena cannot be closed while kernels work on its memory; wait for the "
                                        + holds.size() + " that do");
            }
            scope.close();
            return letGo();
        } finally {
            lock.unlock();
        }
    }

    /** What is to be freed of an arena whose scope has ended by itself. */
    List<Run> release() {
        lock.lock();
        try {
            return letGo();
        } finally {
            lock.unlock();
        }
    }

    private List<Run> letGo() {
        closed = true;
        List<Run> unused = List.copyOf(runs);
        runs.clear();
        return unused;
    }

    /** Keeps the arena from closing until {@link #unhold}. */
    void hold(Object holder) {
        lock.lock();
        try {
            requireOpen();
            holds.add(holder);
        } finally {
            lock.unlock();
        }
    }

    /** Ends a hold; false if it had ended before. */
    boolean unhold(Object holder) {
        lock.lock();
        try {
            return holds.remove(holder);
        } finally {
            lock.unlock();
        }
    }
}
