package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code DONE}: it is done.
 *
 * <pre>
 *   16                              24                              32
 *   +-------------------------------+-------------------------------+
 *   | value (signed)                | skipped                       |
 *   +-------------------------------+-------------------------------+
 * </pre>
 *
 * <p>After PREFETCH and EVICT: pages that moved, and pages that are not where they should be. After ALLOCATE, FREE, ADVISE,
 * PIN, UNPIN: pages that this has changed something for, and 0. Otherwise both are 0.
 */
public final class Done extends Message {
    private static final int VALUE = 16;
    private static final int SKIPPED = 24;
    private static final int END = 32;

    /** Fills a buffer. */
    public Done encode(MemorySegment buffer, long correlation, long value, long skipped) {
        start(buffer, MessageType.DONE, correlation);
        extend(END - Wire.HEADER_BYTES);
        putI64(VALUE, value);
        putI64(SKIPPED, skipped);
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.DONE;
    }

    @Override
    void validate() {
        need(VALUE, END - VALUE, "body");
        require(i64(SKIPPED) >= 0, "skipped", SKIPPED, i64(SKIPPED), "0 or more");
        end(END);
    }

    /** Pages that are as asked, or a result. */
    public long value() {
        return i64(VALUE);
    }

    /** Pages that are not as asked. */
    public long skipped() {
        return i64(SKIPPED);
    }
}
