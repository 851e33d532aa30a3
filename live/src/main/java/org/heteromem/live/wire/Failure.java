package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code ERROR}: it could not be done, and why.
 *
 * <pre>
 *   16              20
 *   +---------------+---------------- - -
 *   | error code    | detail (string)
 *   +---------------+---------------- - -
 * </pre>
 */
public final class Failure extends Message {
    private static final int CODE = 16;
    private static final int DETAIL = 20;

    /**
     * Fills a buffer.
     *
     * @param detail what was asked of what, and what to do; cut to {@link Wire#MAX_DETAIL_BYTES} bytes, and control
     *     characters in it become spaces, since it may quote what a stranger sent
     */
    public Failure encode(MemorySegment buffer, long correlation, ErrorCode code, String detail) {
        start(buffer, MessageType.ERROR, correlation);
        extend(DETAIL - Wire.HEADER_BYTES);
        putI32(CODE, code.code());
        // All that putString refuses, which are more than ASCII has.
        StringBuilder clean = new StringBuilder(detail);
        for (int i = 0; i < clean.length(); i++) {
            if (Character.isISOControl(clean.charAt(i))) {
                clean.setCharAt(i, ' ');
            }
        }
        // A character has at most three bytes of UTF-8 for each char.
        putString(
                clean.substring(0, Math.min(clean.length(), Wire.MAX_DETAIL_BYTES / 3)),
                Wire.MAX_DETAIL_BYTES,
                "detail");
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.ERROR;
    }

    @Override
    void validate() {
        need(CODE, DETAIL - CODE, "body");
        require(ErrorCode.of(i32(CODE)).isPresent(), "error code", CODE, i32(CODE), "one of ErrorCode");
        end(checkString(DETAIL, Wire.MAX_DETAIL_BYTES, "detail"));
    }

    /** Why. */
    public ErrorCode code() {
        return ErrorCode.of(i32(CODE)).orElseThrow();
    }

    /** In words. */
    public String detail() {
        return string(DETAIL);
    }
}
