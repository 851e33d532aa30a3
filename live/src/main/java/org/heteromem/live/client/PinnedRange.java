package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.heteromem.live.Pin;

/**
 * A pin that holds. Identity is what tells one from another: memory may be pinned many times. Its owner knows it until it is
 * closed, and it knows its segment, so that memory of an automatic arena stays while it is pinned.
 *
 * <p>Where the pages are it knows from the beginning: whoever closes it may have no right to the segment, or no segment any
 * more to look at.
 */
final class PinnedRange implements Pin {
    private final Ranges ranges;
    private final MemorySegment segment;
    private final ArenaMemory owner;
    private final int region;
    private final Ranges.Piece piece;
    private final AtomicBoolean closed = new AtomicBoolean();
    /** That of the request; written before it is sent. */
    private int number;

    PinnedRange(Ranges ranges, MemorySegment segment, ArenaMemory owner, int region, Ranges.Piece piece) {
        this.ranges = ranges;
        this.segment = segment;
        this.owner = owner;
        this.region = region;
        this.piece = piece;
    }

    void setNumber(int number) {
        this.number = number;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            finish(end().join());
        }
    }

    @Override
    public CompletableFuture<Void> closeAsync() {
        return closed.compareAndSet(false, true)
                ? end().thenAcceptAsync(this::finish)
                : CompletableFuture.completedFuture(null);
    }

    /** The arena may close once the daemon has been told: what it frees then is told after that. */
    private CompletableFuture<Reply> end() {
        boolean told = false;
        try {
            CompletableFuture<Reply> reply = ranges.unpin(region, piece, number);
            told = true;
            owner.unhold(this);
            return reply;
        } finally {
            if (!told) {
                closed.set(false); // it holds, and can be closed again
            }
        }
    }

    private void finish(Reply reply) {
        if (!(reply instanceof Reply.Lost)) { // with the daemon its pins are gone
            reply.expect(Reply.Done.class, "end a pin");
        }
    }

    @Override
    public String toString() {
        return "pin of " + segment;
    }
}
