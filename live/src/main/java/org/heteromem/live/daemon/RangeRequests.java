package org.heteromem.live.daemon;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import org.heteromem.core.Advice;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.Wire;

/**
 * What a client asks of ranges of its memory: allocate and free, prefetch and evict, pin, and where the pages are. Used by the
 * session's thread; what is moved in bulk, by {@link Movers} too.
 */
final class RangeRequests {
    private final ClientMemory memory;
    private final ClientRegions regions;
    private final ClientPins pins;
    private final ClientCustody custody;
    private final ClientView view;
    private final ClientAnswers answers;
    private final FailPoints points;
    private final Movers movers;

    RangeRequests(
            ClientMemory memory,
            ClientRegions regions,
            ClientPins pins,
            ClientCustody custody,
            ClientView view,
            ClientAnswers answers,
            FailPoints points,
            Movers movers) {
        this.memory = memory;
        this.regions = regions;
        this.pins = pins;
        this.custody = custody;
        this.view = view;
        this.answers = answers;
        this.points = points;
        this.movers = movers;
    }

    /**
     * Does what is asked and answers it.
     *
     * @throws RefusedException if it is not done
     */
    void serve(RangeRequest request) {
        Region region = regions.need(request.region());
        requireInside(region, request);
        long correlation = request.correlation();
        switch (request.type()) {
            case ALLOCATE -> {
                long fresh = allocate(region, request);
                points.passed(FailPoint.ALLOCATED);
                answers.done(correlation, fresh, 0);
            }
            case FREE -> {
                long freed = free(region, request);
                points.passed(FailPoint.FREED);
                answers.done(correlation, freed, 0);
            }
            case PREFETCH ->
                answers.done(
                        correlation, prefetch(region, request), view.count(region, request, PageKind.DEVICE_PRIVATE));
            case EVICT ->
                answers.done(correlation, evict(region, request), view.count(region, request, PageKind.PRESENT));
            case ADVISE -> answers.done(correlation, advise(region, request), 0);
            case PIN ->
                answers.done(
                        correlation,
                        pins.pin(
                                Wire.number(correlation),
                                ClientPins.Range.of(region, request),
                                memory.budget().limit() / 2),
                        0);
            case UNPIN -> answers.done(correlation, pins.unpin(request.pin(), ClientPins.Range.of(region, request)), 0);
            case RESIDENCY -> answers.counters(correlation, view.residency(region, request));
            default -> throw new MalformedMessageException(request.type() + " is not for the daemon");
        }
    }

    private static void requireInside(Region region, RangeRequest request) {
        long together = 0;
        for (int i = 0; i < request.count(); i++) {
            together += request.rangeBytes(i);
            if (request.offset(i) > region.bytes - request.rangeBytes(i)) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        request.type() + " of " + request.rangeBytes(i) + " bytes at offset " + request.offset(i)
                                + " leaves " + region);
            }
        }
        if (together > region.bytes) {
            // Else one message could keep this thread busy for hours.
            throw new RefusedException(
                    ErrorCode.BAD_RANGE,
                    request.type() + " of ranges that have " + together + " bytes together, more than " + region);
        }
    }

    private long allocate(Region region, RangeRequest request) {
        long fresh = 0;
        for (int i = 0; i < request.count(); i++) {
            long pages = Page.of(request.rangeBytes(i));
            fresh += pages - region.allocated.count(Page.of(request.offset(i)), pages);
        }
        regions.requireAllocatable(fresh);
        forgetKernels(region, request);
        for (int i = 0; i < request.count(); i++) {
            regions.allocate(region, Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
        }
        return fresh;
    }

    /**
     * A kernel can touch what is not allocated, or not any more: that of no memory that is allocated now, which must read as
     * zeros.
     */
    private void forgetKernels(Region region, RangeRequest request) {
        Computing computes = memory.computing();
        if (computes == null || !(custody.tookOver() || computes.launches.sum() > 0)) {
            return;
        }
        for (int i = 0; i < request.count(); i++) {
            long pages = Page.of(request.rangeBytes(i));
            if (region.allocated.count(Page.of(request.offset(i)), pages) == 0) {
                memory.space().advise(region.address + request.offset(i), request.rangeBytes(i), Advice.DONTNEED);
            }
        }
    }

    private long free(Region region, RangeRequest request) {
        long freed = 0;
        for (int i = 0; i < request.count(); i++) {
            pins.letGoOf(region.address + request.offset(i), request.rangeBytes(i));
            memory.space().advise(region.address + request.offset(i), request.rangeBytes(i), Advice.DONTNEED);
            memory.mmu().heal(region, Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
            points.passed(FailPoint.FREE_DROPPED);
            freed += regions.free(region, Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
        }
        return freed;
    }

    private long advise(Region region, RangeRequest request) {
        return switch (request.advice()) {
            case HOT, SEQUENTIAL -> prefetch(region, request);
            case COLD -> evict(region, request);
            // Nothing follows from these yet but that they are welcome.
            case NORMAL, RANDOM, READ_MOSTLY -> 0;
        };
    }

    private long prefetch(Region region, RangeRequest request) {
        long pages = new Parts(region, request, memory::fetchable).move(movers, memory::fetch);
        Computing computes = memory.computing();
        for (int i = 0; computes != null && i < request.count(); i++) {
            pages += computes.accelerator()
                    .evict(memory.space(), region.address + request.offset(i), request.rangeBytes(i));
        }
        return pages;
    }

    private long evict(Region region, RangeRequest request) {
        AtomicBoolean full = new AtomicBoolean();
        return new Parts(region, request, bytes -> bytes)
                .move(movers, (address, bytes) -> memory.evict(address, bytes, full));
    }

    /** Ranges, cut where blocks of the page table end: what one thread moves at a time. */
    private static final class Parts {
        /** What is worth another thread: it may have to be woken. */
        private static final int PAGES_OF_A_THREAD = 2 * Page.PER_BLOCK;

        /** Addresses of the first bytes, and of those behind the last. */
        private final long[] starts;

        private final long[] ends;
        /** For each range how many parts there are up to its end. */
        private final int[] parts;

        private final long pages;

        /**
         * @param most how many bytes of a range's to move, from its start
         */
        Parts(Region region, RangeRequest request, LongUnaryOperator most) {
            starts = new long[request.count()];
            ends = new long[starts.length];
            parts = new int[starts.length];
            long count = 0;
            long together = 0;
            for (int i = 0; i < parts.length; i++) {
                starts[i] = region.address + request.offset(i);
                ends[i] = starts[i] + most.applyAsLong(request.rangeBytes(i));
                together += Page.of(ends[i] - starts[i]);
                count += block(ends[i] - 1) - block(starts[i]) + 1;
                parts[i] = Math.toIntExact(count);
            }
            pages = together;
        }

        private static long block(long address) {
            return Page.of(address) / Page.PER_BLOCK;
        }

        /** {@return how many pages a method moved that takes the address of a part and its bytes} */
        long move(Movers movers, LongBinaryOperator method) {
            return movers.move(parts[parts.length - 1], pages / PAGES_OF_A_THREAD, part -> {
                int found = Arrays.binarySearch(parts, part + 1);
                int range = found < 0 ? -found - 1 : found;
                long block = block(starts[range]) + part - (range == 0 ? 0 : parts[range - 1]);
                long from = Math.max(starts[range], Page.address(block * Page.PER_BLOCK));
                long to = Math.min(ends[range], Page.address((block + 1) * Page.PER_BLOCK));
                return method.applyAsLong(from, to - from);
            });
        }
    }
}
