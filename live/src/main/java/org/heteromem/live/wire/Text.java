package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code TEXT}: a piece of text for a terminal.
 *
 * <pre>
 *   16              20
 *   +---------------+---------------- - -
 *   | 1: more follow| text (string)
 *   +---------------+---------------- - -
 * </pre>
 */
public final class Text extends Message {
    private static final int MORE = 16;
    private static final int TEXT = 20;

    /**
     * Fills a buffer.
     *
     * @param text at most {@link Wire#MAX_TEXT_BYTES} bytes; line feeds and tabs are its only control characters
     */
    public Text encode(MemorySegment buffer, long correlation, Following following, String text) {
        start(buffer, MessageType.TEXT, correlation);
        extend(TEXT - Wire.HEADER_BYTES);
        putI32(MORE, following.code());
        putString(text, Wire.MAX_TEXT_BYTES, "text");
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.TEXT;
    }

    @Override
    void validate() {
        need(MORE, TEXT - MORE, "body");
        require(i32(MORE) == 0 || i32(MORE) == 1, "more", MORE, i32(MORE), "0 or 1");
        end(checkString(TEXT, Wire.MAX_TEXT_BYTES, "text"));
    }

    /** Whether more follows. */
    public Following following() {
        return i32(MORE) == 0 ? Following.LAST : Following.MORE;
    }

    /** The text. */
    public String text() {
        return string(TEXT);
    }
}
