package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import org.heteromem.live.Pin;
import org.heteromem.live.wire.MessageType;

/**
 * A pin that holds. Identity is what tells one from another: memory may be pinned many times. Its owner knows it until it is
 * closed, and it knows its segment, so that memory of an automatic arena stays while it is pinned.
 */
final class PinnedRange implements Pin {
    private final Ranges ranges;
    private final MemorySegment segment;
    private final ArenaMemory owner;

    PinnedRange(Ranges ranges, MemorySegment segment, ArenaMemory owner) {
        this.ranges = ranges;
        this.segment = segment;
        this.owner = owner;
    }

    @Override
    public void close() {
        if (owner.unhold(this)) {
            finish(ranges.ask(MessageType.UNPIN, segment).join());
        }
    }

    @Override
    public CompletableFuture<Void> closeAsync() {
        return owner.unhold(this)
                ? ranges.ask(MessageType.UNPIN, segment).thenAcceptAsync(this::finish)
                : CompletableFuture.completedFuture(null);
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
