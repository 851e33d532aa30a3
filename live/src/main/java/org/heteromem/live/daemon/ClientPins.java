package org.heteromem.live.daemon;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.RangeRequest;

/**
 * What holds pages of a client in RAM because it has asked for that: by the range that it has named, the same one any number
 * of times. Outlives the daemon by way of {@link ClientCustody}. Used by the session's thread.
 */
final class ClientPins {
    /** What was asked to be pinned. */
    record Range(long address, long bytes) {
        static Range of(Region region, RangeRequest request, int i) {
            return new Range(region.address + request.offset(i), request.rangeBytes(i));
        }
    }

    /** One pin of a range, and under which key a successor finds it. */
    private record Held(String key, PageReferences references) {}

    private final AddressSpace space;
    private final ClientCustody custody;
    private final Map<Range, ArrayDeque<Held>> pins = new HashMap<>();

    ClientPins(AddressSpace space, ClientCustody custody) {
        this.space = space;
        this.custody = custody;
    }

    /**
     * Pins all ranges of a request, or none.
     *
     * @param mostPages how many pages may be pinned together
     * @return how many were asked for
     */
    long pin(Region region, RangeRequest request, long mostPages) {
        long wanted = 0;
        for (int i = 0; i < request.count(); i++) {
            wanted += Page.of(request.rangeBytes(i));
        }
        long pinned = pins.values().stream()
                .flatMap(ArrayDeque::stream)
                .mapToLong(held -> held.references().pages())
                .sum();
        if (pinned + wanted > mostPages) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "cannot pin " + wanted + " pages beside " + pinned + ": at most half of the RAM, " + mostPages
                            + " pages");
        }
        if (custody.tookOver() && isHeld(custody.pinKey(request.correlation(), 0))) {
            // Done by a predecessor that died with the answer.
            return wanted;
        }
        List<Range> made = new ArrayList<>();
        try {
            for (int i = 0; i < request.count(); i++) {
                Range range = Range.of(region, request, i);
                String key = custody.pinKey(request.correlation(), i);
                pin(range, key);
                made.add(range);
                custody.entrust(range, key);
            }
        } catch (RuntimeException e) {
            made.forEach(this::unpin);
            throw e;
        }
        return wanted;
    }

    private boolean isHeld(String key) {
        return pins.values().stream()
                .flatMap(ArrayDeque::stream)
                .anyMatch(held -> held.key().equals(key));
    }

    /** Pins a range that the keeper knows, or will be told of next. */
    void pin(Range range, String key) {
        PageReferences references =
                Pins.pinLongTerm(space, range.address(), Math.toIntExact(Page.of(range.bytes())), Access.WRITE);
        pins.computeIfAbsent(range, made -> new ArrayDeque<>()).push(new Held(key, references));
    }

    /** Ends one pin of each range of a request; returns how many pages they have. */
    long unpin(Region region, RangeRequest request) {
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            if (!unpin(Range.of(region, request, i)) && !custody.tookOver()) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        request.rangeBytes(i) + " bytes at offset " + request.offset(i) + " of " + region
                                + " were not pinned as such");
            }
            pages += Page.of(request.rangeBytes(i));
        }
        return pages;
    }

    /** Ends one pin of a range; false if there is none. */
    private boolean unpin(Range range) {
        ArrayDeque<Held> held = pins.get(range);
        if (held == null) {
            return false;
        }
        letGo(held.pop());
        if (held.isEmpty()) {
            pins.remove(range);
        }
        return true;
    }

    /** Ends all pins in a region, which is about to go. */
    void letGoOf(Region region) {
        pins.entrySet().removeIf(pinned -> {
            boolean here = region.contains(pinned.getKey().address());
            if (here) {
                pinned.getValue().forEach(this::letGo);
            }
            return here;
        });
    }

    private void letGo(Held pin) {
        pin.references().close();
        custody.releasePin(pin.key());
    }
}
