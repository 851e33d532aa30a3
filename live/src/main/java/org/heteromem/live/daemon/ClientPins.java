package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
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
 * What holds pages of a client in RAM because it has asked for that: by the request that has asked, since the same range may
 * be pinned any number of times. Outlives the daemon by way of {@link ClientCustody}. Used by the session's thread.
 */
final class ClientPins {
    /** What was asked to be pinned. */
    record Range(long address, long bytes) {
        /** All of a request. */
        static List<Range> of(Region region, RangeRequest request) {
            List<Range> all = new ArrayList<>();
            for (int i = 0; i < request.count(); i++) {
                all.add(new Range(region.address + request.offset(i), request.rangeBytes(i)));
            }
            return all;
        }

        long pages() {
            return Page.of(bytes);
        }

        boolean meets(long otherAddress, long otherBytes) {
            return address < otherAddress + otherBytes && otherAddress < address + bytes;
        }

        @Override
        public String toString() {
            return bytes + " bytes at 0x" + Long.toHexString(address);
        }
    }

    /** Most ranges that a client may have pinned at once: for each of them the keeper has an item. */
    static final int MAX_RANGES = 1024;

    private record Held(Range range, PageReferences references) {}

    private final AddressSpace space;
    private final ClientCustody custody;
    private final FailPoints points;
    /** By the key under which a successor finds each. */
    private final Map<String, Held> pins = new LinkedHashMap<>();

    ClientPins(AddressSpace space, ClientCustody custody, FailPoints points) {
        this.space = space;
        this.custody = custody;
        this.points = points;
    }

    /**
     * Pins all ranges of a request, or none.
     *
     * @param number of the request, by which {@link #unpin} finds them
     * @param mostPages how many pages may be pinned together
     * @return how many were asked for
     */
    long pin(int number, List<Range> ranges, long mostPages) {
        Map<String, Range> missing = new LinkedHashMap<>();
        for (int i = 0; i < ranges.size(); i++) {
            String key = custody.pinKey(number, i);
            if (!isHeld(key, ranges.get(i))) {
                missing.put(key, ranges.get(i));
            }
        }
        try {
            if (pins.size() + missing.size() > MAX_RANGES) {
                throw new RefusedException(
                        ErrorCode.LIMIT,
                        "cannot pin " + missing.size() + " ranges beside " + pins.size() + ": at most " + MAX_RANGES
                                + "; pin what lies together in one piece, and end pins that are not needed any more");
            }
            requireRoom(pages(missing.values()), mostPages);
            missing.forEach((key, range) -> {
                pin(range, key);
                points.passed(FailPoint.PINNED);
                custody.entrust(range, key);
                points.passed(FailPoint.PIN_HELD);
            });
        } catch (RuntimeException e) {
            for (int i = 0; i < ranges.size(); i++) {
                letGo(custody.pinKey(number, i));
            }
            throw e;
        }
        return pages(ranges);
    }

    /** Whether a predecessor has done it, which died with the answer or halfway. */
    private boolean isHeld(String key, Range range) {
        Held held = pins.get(key);
        if (held != null && !(custody.tookOver() && held.range().equals(range))) {
            throw new RefusedException(
                    ErrorCode.NOT_ALLOWED, "a request of the same number has pinned " + held.range() + " already");
        }
        return held != null;
    }

    private void requireRoom(long wanted, long mostPages) {
        long pinned = pages(pins.values().stream().map(Held::range).toList());
        if (pinned + wanted > mostPages) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "cannot pin " + wanted + " pages beside " + pinned + ": at most half of the RAM, " + mostPages
                            + " pages");
        }
    }

    private static long pages(Iterable<Range> ranges) {
        long pages = 0;
        for (Range range : ranges) {
            pages += range.pages();
        }
        return pages;
    }

    /** Pins a range that the keeper knows, or will be told of next. */
    void pin(Range range, String key) {
        PageReferences references =
                Pins.pinLongTerm(space, range.address(), Math.toIntExact(range.pages()), Access.WRITE);
        pins.put(key, new Held(range, references));
    }

    /**
     * Ends the pins of a request.
     *
     * @param number of the request that made them
     * @param ranges what it named
     * @return how many pages they have
     */
    long unpin(int number, List<Range> ranges) {
        for (int i = 0; i < ranges.size(); i++) {
            Held held = pins.get(custody.pinKey(number, i));
            // A predecessor may have ended it, and died with the answer.
            if (held == null ? !custody.tookOver() : !held.range().equals(ranges.get(i))) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        ranges.get(i) + " were not pinned as such by request " + Integer.toUnsignedString(number));
            }
        }
        for (int i = 0; i < ranges.size(); i++) {
            letGo(custody.pinKey(number, i));
        }
        return pages(ranges);
    }

    /** Ends all pins that have pages of a range, which is about to go: else nobody could ever use those pages again. */
    void letGoOf(long address, long bytes) {
        List<String> going = new ArrayList<>();
        pins.forEach((key, held) -> {
            if (held.range().meets(address, bytes)) {
                going.add(key);
            }
        });
        going.forEach(this::letGo);
    }

    private void letGo(String key) {
        Held held = pins.remove(key);
        if (held != null) {
            held.references().close();
            points.passed(FailPoint.UNPINNED);
            custody.releasePin(key);
            points.passed(FailPoint.UNPIN_RELEASED);
        }
    }
}
