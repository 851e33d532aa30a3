package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.heteromem.live.Pin;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * A pin, from before it is asked for. Identity is what tells one from another: memory may be pinned many times. Its owner knows it until it is
 * closed, and it knows its segment, so that memory of an automatic arena stays while it is pinned.
 *
 * <p>Where the pages are it knows from the beginning: whoever closes it may have no right to the segment, or no segment any
 * more to look at.
 */
final class PinnedRange implements Pin {
    private final ControlChannel channel;
    private final MemorySegment segment;
    private final ArenaMemory owner;
    private final int region;
    private final Ranges.Piece piece;
    private final AtomicBoolean closed = new AtomicBoolean();
    /** That of the request; written before it is sent. */
    private int number;

    PinnedRange(ControlChannel channel, MemorySegment segment, ArenaMemory owner, int region, Ranges.Piece piece) {
        this.channel = channel;
        this.segment = segment;
        this.owner = owner;
        this.region = region;
        this.piece = piece;
    }

    /** {@return what asks for it} */
    ControlChannel.Encoder request() {
        return (buffer, correlation) -> {
            number = Wire.number(correlation);
            return new RangeRequest()
                    .begin(buffer, MessageType.PIN, correlation, region)
                    .add(piece.offset(), piece.bytes());
        };
    }

    long byteSize() {
        return segment.byteSize();
    }

    /** It does not hold: the arena may close. */
    void letGo() {
        owner.unhold(this);
    }

    @Override
    public void close() {
        CompletableFuture<Reply> ended = end(channel::ask);
        if (ended != null) {
            finish(Heap.join(ended));
        }
    }

    @Override
    public CompletableFuture<Void> closeAsync() {
        CompletableFuture<Void> ended = end(request -> channel.askLater(request, replies -> {
            finish(replies.getFirst());
            return null;
        }));
        return ended == null ? CompletableFuture.completedFuture(null) : ended;
    }

    /**
     * Tells the daemon; then the arena may close: what it frees is told after that.
     *
     * @return what the function returns, or null if it was told before
     */
    private <T> @Nullable T end(Function<ControlChannel.Encoder, T> ask) {
        if (!closed.compareAndSet(false, true)) {
            return null;
        }
        boolean told = false;
        try {
            T asked = ask.apply((buffer, correlation) -> new RangeRequest()
                    .beginUnpin(buffer, correlation, region, number)
                    .add(piece.offset(), piece.bytes()));
            told = true;
            letGo();
            return asked;
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
