package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.heteromem.devices.storage.StoreMemory;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;

/** Memory of one client's devices that outlives the daemon: each piece a memfd, found again by its name. Thread-safe. */
final class DurableMemory implements StoreMemory, AutoCloseable {
    private record Piece(Memfd memory, Mapping mapping) {}

    /** Who keeps descriptors for a successor. */
    @FunctionalInterface
    interface Custodian {
        /** A piece was made: returns when it is safe with whoever outlives this process. */
        void made(String name, Memfd memory);
    }

    private static final Custodian NOBODY = (piece, memory) -> {};

    private final String prefix;
    private final Map<String, Piece> pieces = new LinkedHashMap<>();
    private final FailPoints points;
    private Custodian custodian = NOBODY;

    DurableMemory(String prefix, FailPoints points) {
        this.prefix = prefix;
        this.points = points;
    }

    /** From now on somebody keeps the pieces, those that are there first. */
    synchronized void entrust(Custodian to) {
        custodian = to;
        pieces.forEach((name, piece) -> to.made(name, piece.memory));
    }

    /** Takes over what a predecessor has made. */
    synchronized void inherit(String name, Memfd memory) {
        long bytes = memory.status().sizeBytes();
        pieces.put(name, new Piece(memory, Mapping.shared(memory, 0, bytes)));
    }

    @Override
    public synchronized MemorySegment memory(String name, long bytes) {
        Piece have = pieces.get(name);
        if (have != null) {
            if (have.mapping.length() != bytes) {
                // Pages are in it. Whoever asks for it as it was finds them.
                throw new IllegalStateException("the memory '" + prefix + name + "' has " + have.mapping.length()
                        + " bytes, and " + bytes + " were asked for");
            }
            return have.mapping.segment();
        }
        Memfd memory = Memfd.create(prefix + name, bytes);
        Mapping mapping = Mapping.shared(memory, 0, bytes);
        pieces.put(name, new Piece(memory, mapping));
        points.passed(FailPoint.PIECE_MADE);
        custodian.made(name, memory);
        return mapping.segment();
    }

    @Override
    public synchronized void release(String name, long offset, long bytes) {
        Piece piece = pieces.get(name);
        if (piece != null) {
            piece.memory.punchHole(offset, bytes);
            points.passed(FailPoint.PIECE_PUNCHED);
        }
    }

    @Override
    public synchronized void close() {
        for (Piece piece : pieces.values()) {
            piece.mapping.close();
            piece.memory.close();
        }
        pieces.clear();
    }
}
