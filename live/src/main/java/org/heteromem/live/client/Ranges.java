package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.heteromem.live.Pin;
import org.heteromem.live.natives.NativeException;
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
        return requests(type, segments).stream().map(channel::ask).toList();
    }

    /**
     * The same, for somebody who does not wait.
     *
     * @param result of all replies
     * @return completed by another thread
     */
    public <T> CompletableFuture<T> askAllLater(MessageType type, List<MemorySegment> segments, Result<T> result) {
        List<ControlChannel.Encoder> requests = requests(type, segments);
        if (requests.isEmpty()) {
            return CompletableFuture.completedFuture(result.of(List.of()));
        }
        return channel.askAllLater(requests, result, _ -> {});
    }

    private List<ControlChannel.Encoder> requests(MessageType type, List<MemorySegment> segments) {
        Map<Integer, List<Piece>> byRegion = new LinkedHashMap<>();
        for (MemorySegment segment : segments) {
            check(segment);
            if (segment.byteSize() > 0) {
                Run run = pool.locate(segment.address(), segment.byteSize());
                byRegion.computeIfAbsent(run.region().id, _ -> new ArrayList<>())
                        .add(piece(run, segment));
            }
        }
        List<ControlChannel.Encoder> requests = new ArrayList<>();
        byRegion.forEach((region, pieces) -> {
            for (int i = 0; i < pieces.size(); i += Wire.MAX_RANGES) {
                List<Piece> part = pieces.subList(i, Math.min(pieces.size(), i + Wire.MAX_RANGES));
                requests.add((buffer, correlation) -> {
                    RangeRequest request = new RangeRequest();
                    request.begin(buffer, type, correlation, region);
                    part.forEach(piece -> request.add(piece.offset, piece.bytes));
                    return request;
                });
            }
        });
        return requests;
    }

    /** Gives advice about one segment of at least one byte. */
    public CompletableFuture<Reply> advise(MemorySegment segment, UsageAdvice advice) {
        return channel.ask(advice(segment, advice));
    }

    /** The same, for somebody who does not wait; see {@link #askAllLater}. */
    public <T> CompletableFuture<T> adviseLater(MemorySegment segment, UsageAdvice advice, Result<T> result) {
        return channel.askLater(advice(segment, advice), result);
    }

    private ControlChannel.Encoder advice(MemorySegment segment, UsageAdvice advice) {
        check(segment);
        Run run = pool.locate(segment.address(), segment.byteSize());
        Piece piece = piece(run, segment);
        return (buffer, correlation) -> new RangeRequest()
                .beginAdvice(buffer, correlation, run.region().id, advice)
                .add(piece.offset, piece.bytes);
    }

    /**
     * Pins a segment of at least one byte; the arena does not close from now on, and until the pin does.
     *
     * @throws org.heteromem.live.RefusedException if the daemon refuses
     * @throws org.heteromem.live.ConnectionLostException if it has ended
     */
    public Pin pin(MemorySegment segment) {
        PinnedRange pin = hold(segment);
        boolean pinned = false;
        try {
            requirePinned(pin, channel.await(pin.request()));
            pinned = true;
            return pin;
        } finally {
            if (!pinned) {
                pin.letGo();
            }
        }
    }

    /** The same, without waiting. A pin that nobody takes, as the future was cancelled, ends as soon as it holds. */
    public CompletableFuture<Pin> pinLater(MemorySegment segment) {
        PinnedRange pin = hold(segment);
        boolean asked = false;
        try {
            CompletableFuture<Pin> pinning = channel.askAllLater(
                    List.of(pin.request()),
                    replies -> {
                        if (!(replies.getFirst() instanceof Reply.Done)) {
                            pin.letGo();
                        }
                        requirePinned(pin, replies.getFirst());
                        return pin;
                    },
                    _ -> end(pin));
            asked = true;
            return pinning;
        } finally {
            if (!asked) {
                pin.letGo();
            }
        }
    }

    private PinnedRange hold(MemorySegment segment) {
        check(segment);
        Run run = pool.locate(segment.address(), segment.byteSize());
        PinnedRange pin = new PinnedRange(channel, segment, run.owner(), run.region().id, piece(run, segment));
        boolean held = false;
        try {
            run.owner().hold(pin);
            held = true;
            return pin;
        } finally {
            if (!held) {
                pin.letGo();
            }
        }
    }

    /** Of a pin that nobody has. */
    private static void end(PinnedRange pin) {
        try {
            var _ = pin.closeAsync();
        } catch (NativeException e) {
            // It cannot be sent: it ends with its arena, which can be closed now.
            pin.letGo();
        }
    }

    private static void requirePinned(PinnedRange pin, Reply reply) {
        if (!(reply instanceof Reply.Done)) {
            reply.expect(Reply.Done.class, "pin " + pin.byteSize() + " bytes");
        }
    }

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
