package org.heteromem.live.daemon;

import org.heteromem.core.Advice;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.Wire;

/**
 * What a client asks of ranges of its memory: allocate and free, prefetch and evict, pin, and where the pages are. Used by the
 * session's thread.
 */
final class RangeRequests {
    private final ClientMemory memory;
    private final ClientRegions regions;
    private final ClientPins pins;
    private final ClientCustody custody;
    private final ClientView view;
    private final ClientAnswers answers;
    private final FailPoints points;

    RangeRequests(
            ClientMemory memory,
            ClientRegions regions,
            ClientPins pins,
            ClientCustody custody,
            ClientView view,
            ClientAnswers answers,
            FailPoints points) {
        this.memory = memory;
        this.regions = regions;
        this.pins = pins;
        this.custody = custody;
        this.view = view;
        this.answers = answers;
        this.points = points;
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
            case ALLOCATE -> answers.done(correlation, allocate(region, request), 0);
            case FREE -> {
                long freed = free(region, request);
                points.passed(FailPoints.FREED);
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
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            for (StorageDevice device : memory.devices()) {
                pages += memory.fetch(device, region.address + request.offset(i), request.rangeBytes(i));
            }
            Computing computes = memory.computing();
            if (computes != null) {
                pages += computes.accelerator()
                        .evict(memory.space(), region.address + request.offset(i), request.rangeBytes(i));
            }
        }
        return pages;
    }

    private long evict(Region region, RangeRequest request) {
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            pages += memory.evictor().evict(region.address + request.offset(i), request.rangeBytes(i));
        }
        return pages;
    }
}
