package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code UNREGISTER_REGION}: a region ends.
 *
 * <pre>
 *   16              20
 *   +---------------+
 *   | region        |
 *   +---------------+
 * </pre>
 */
public final class UnregisterRegion extends Message {
    private static final int REGION = 16;
    private static final int END = 20;

    /** Fills a buffer. */
    public UnregisterRegion encode(MemorySegment buffer, long correlation, int region) {
        start(buffer, MessageType.UNREGISTER_REGION, correlation);
        extend(END - Wire.HEADER_BYTES);
        putI32(REGION, region);
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.UNREGISTER_REGION;
    }

    @Override
    void validate() {
        need(REGION, END - REGION, "body");
        requireRegion(REGION, i32(REGION));
        end(END);
    }

    /** Number of the region. */
    public int region() {
        return i32(REGION);
    }
}
