package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import org.heteromem.live.Pin;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.UsageAdvice;
import org.heteromem.live.wire.Wire;

/**
 * Requests about segments, as ranges of pages of regions. A segment counts with all pages that it touches. Thread-safe.
 */
public final class Ranges {
    /** Whole pages of one region. */
    record Piece(long offset, long bytes) {}

    private final ControlChannel channel;
    private final RegionPool pool;

    Ranges(ControlChannel channel, RegionPool pool) {
        this.channel = channel;
        this.pool = pool;
    }

    /**
     * Asks about one segment of at least one byte.
     *
     * @throws IllegalArgumentException if it is not managed memory
     * @throws IllegalStateException if its arena is closed
     * @throws WrongThreadException if it is confined to another thread
     */
    public CompletableFuture<Reply> ask(MessageType type, MemorySegment segment) {
        return askAll(type, List.of(segment)).getFirst();
    }

    /** Asks about segments together: one request for each region that they are in; none for segments of no bytes. */
    public List<CompletableFuture<Reply>> askAll(MessageType type, List<MemorySegment> segments) {
        Map<Integer, List<Piece>> byRegion = new LinkedHashMap<>();
        for (MemorySegment segment : segments) {
            check(segment);
            if (segment.byteSize() > 0) {
                Run run = pool.locate(segment.address(), segment.byteSize());
                byRegion.computeIfAbsent(run.region().id, _ -> new ArrayList<>())
                        .add(piece(run, segment));
            }
        }
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        byRegion.forEach((region, pieces) -> {
            for (int i = 0; i < pieces.size(); i += Wire.MAX_RANGES) {
                List<Piece> part = pieces.subList(i, Math.min(pieces.size(), i + Wire.MAX_RANGES));
                replies.add(channel.ask((buffer, correlation) -> {
                    RangeRequest request = new RangeRequest();
                    request.begin(buffer, type, correlation, region);
                    part.forEach(piece -> request.add(piece.offset, piece.bytes));
                    return request;
                }));
            }
        });
        return replies;
    }

    /** Gives advice about one segment of at least one byte. */
    public CompletableFuture<Reply> advise(MemorySegment segment, UsageAdvice advice) {
        check(segment);
        Run run = pool.locate(segment.address(), segment.byteSize());
        Piece piece = piece(run, segment);
        return channel.ask((buffer, correlation) -> new RangeRequest()
                .beginAdvice(buffer, correlation, run.region().id, advice)
                .add(piece.offset, piece.bytes));
    }

    /** Pins a segment of at least one byte; the arena does not close from now on, and until the pin does. */
    public CompletableFuture<PinOutcome> pin(MemorySegment segment) {
        check(segment);
        Run run = pool.locate(segment.address(), segment.byteSize());
        Piece piece = piece(run, segment);
        ArenaMemory owner = run.owner();
        PinnedRange pin = new PinnedRange(this, segment, owner, run.region().id, piece);
        owner.hold(pin);
        boolean asked = false;
        try {
            CompletableFuture<PinOutcome> outcome = pin(run.region().id, piece, pin::setNumber)
                    .thenApply(reply -> {
                        if (!(reply instanceof Reply.Done)) {
                            owner.unhold(pin);
                        }
                        return new PinOutcome(reply, pin);
                    });
            asked = true;
            return outcome;
        } finally {
            if (!asked) {
                owner.unhold(pin);
            }
        }
    }

    private CompletableFuture<Reply> pin(int region, Piece piece, IntConsumer number) {
        return channel.ask((buffer, correlation) -> {
            number.accept(Wire.number(correlation));
            return new RangeRequest()
                    .begin(buffer, MessageType.PIN, correlation, region)
                    .add(piece.offset, piece.bytes);
        });
    }

    /** Ends a pin. Any thread may, whosever the segment is: it asks for pages that the pin itself has kept in use. */
    CompletableFuture<Reply> unpin(int region, Piece piece, int number) {
        return channel.ask((buffer, correlation) -> new RangeRequest()
                .beginUnpin(buffer, correlation, region, number)
                .add(piece.offset, piece.bytes));
    }

    /**
     * What came of pinning.
     *
     * @param reply the daemon's
     * @param pin holds if and only if the reply is done
     */
    public record PinOutcome(Reply reply, Pin pin) {}

    static void check(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("a segment on the Java heap is not managed memory: " + segment);
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("Already closed");
        }
        if (!segment.isAccessibleBy(Thread.currentThread())) {
            throw new WrongThreadException("the segment is confined to another thread than " + Thread.currentThread());
        }
    }

    private static Piece piece(Run run, MemorySegment segment) {
        long offset = segment.address() - run.region().address();
        long start = offset & -Wire.PAGE_BYTES;
        long end = offset + segment.byteSize() + Wire.PAGE_BYTES - 1 & -Wire.PAGE_BYTES;
        return new Piece(start, end - start);
    }
}
