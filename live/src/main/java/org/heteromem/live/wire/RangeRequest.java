package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/**
 * Something about ranges of one region: {@code ALLOCATE}, {@code FREE}, {@code PREFETCH}, {@code EVICT}, {@code ADVISE},
 * {@code PIN}, {@code UNPIN}, {@code RESIDENCY}, and {@code IDLE}, which the daemon says.
 *
 * <pre>
 *   16              20              24              28              32
 *   +---------------+---------------+---------------+---------------+
 *   | region        | advice, or 0  | ranges        | pin, or 0     |
 *   +---------------+---------------+---------------+---------------+  then, for each range,
 *   | offset in the region          | length, bytes                 |
 *   +-------------------------------+-------------------------------+
 * </pre>
 *
 * <p>An {@code UNPIN} names the {@code PIN} that it ends by the number of that request, and repeats its ranges: memory may be
 * pinned many times, and an {@code UNPIN} that is asked again after a daemon was killed must not end another pin.
 */
public final class RangeRequest extends Message {
    private static final Set<MessageType> TYPES = EnumSet.of(
            MessageType.ALLOCATE,
            MessageType.FREE,
            MessageType.PREFETCH,
            MessageType.EVICT,
            MessageType.ADVISE,
            MessageType.PIN,
            MessageType.UNPIN,
            MessageType.RESIDENCY,
            MessageType.IDLE);

    private static final int REGION = 16;
    private static final int ADVICE = 20;
    private static final int COUNT = 24;
    private static final int PIN = 28;
    private static final int RANGES = 32;
    private static final int RANGE_BYTES = 16;

    /**
     * Starts one in a buffer, without ranges yet; at least one must follow.
     *
     * @param type any of those listed above but ADVISE
     */
    public RangeRequest begin(MemorySegment buffer, MessageType type, long correlation, int region) {
        if (type == MessageType.ADVISE) {
            throw new IllegalArgumentException("ADVISE needs its advice");
        }
        begin(buffer, type, correlation, region, UsageAdvice.NORMAL);
        return this;
    }

    /**
     * Starts an {@code UNPIN} in a buffer, without ranges yet.
     *
     * @param pin number of the {@code PIN}, see {@link Wire#number}
     */
    public RangeRequest beginUnpin(MemorySegment buffer, long correlation, int region, int pin) {
        begin(buffer, MessageType.UNPIN, correlation, region, UsageAdvice.NORMAL);
        putI32(PIN, pin);
        return this;
    }

    /** Starts an {@code ADVISE} in a buffer, without ranges yet. */
    public RangeRequest beginAdvice(MemorySegment buffer, long correlation, int region, UsageAdvice advice) {
        begin(buffer, MessageType.ADVISE, correlation, region, advice);
        return this;
    }

    private void begin(MemorySegment buffer, MessageType type, long correlation, int region, UsageAdvice advice) {
        start(buffer, type, correlation);
        extend(RANGES - Wire.HEADER_BYTES);
        putI32(REGION, region);
        putI32(ADVICE, advice.code());
        requireRegion(REGION, region);
    }

    /**
     * Adds a range.
     *
     * @param offset bytes from the start of the region, whole pages
     * @param bytes whole pages, at least one
     */
    public RangeRequest add(long offset, long bytes) {
        requireRange(length(), offset, bytes);
        int count = count();
        require(count < Wire.MAX_RANGES, "ranges", COUNT, count + 1L, "at most " + Wire.MAX_RANGES);
        int at = extend(RANGE_BYTES);
        putI64(at, offset);
        putI64(at + 8, bytes);
        putI32(COUNT, count + 1);
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return TYPES.contains(candidate);
    }

    @Override
    void validate() {
        need(REGION, RANGES - REGION, "body");
        requireRegion(REGION, i32(REGION));
        int advice = i32(ADVICE);
        if (type() == MessageType.ADVISE) {
            require(UsageAdvice.of(advice).isPresent(), "advice", ADVICE, advice, "one of UsageAdvice");
        } else {
            require(advice == 0, "advice", ADVICE, advice, "0 except in ADVISE");
        }
        int count = i32(COUNT);
        require(count >= 1 && count <= Wire.MAX_RANGES, "ranges", COUNT, count, "1 to " + Wire.MAX_RANGES);
        require(type() == MessageType.UNPIN || i32(PIN) == 0, "pin", PIN, i32(PIN), "0 except in UNPIN");
        need(RANGES, count * RANGE_BYTES, "ranges");
        for (int i = 0; i < count; i++) {
            requireRange(RANGES + i * RANGE_BYTES, offset(i), rangeBytes(i));
        }
        end(RANGES + count * RANGE_BYTES);
    }

    /** Number of the region. */
    public int region() {
        return i32(REGION);
    }

    /** The advice; {@link UsageAdvice#NORMAL} in all but {@code ADVISE}. */
    public UsageAdvice advice() {
        return UsageAdvice.of(i32(ADVICE)).orElseThrow();
    }

    /** Number of the {@code PIN} that an {@code UNPIN} ends; 0 in all others. */
    public int pin() {
        return i32(PIN);
    }

    /** How many ranges. */
    public int count() {
        return i32(COUNT);
    }

    /** Offset of a range in the region. */
    public long offset(int index) {
        return i64(RANGES + index * RANGE_BYTES);
    }

    /** Bytes of a range. */
    public long rangeBytes(int index) {
        return i64(RANGES + index * RANGE_BYTES + 8);
    }
}
