package org.heteromem.live.wire;

import java.util.Optional;

/** How a program means to use a range; the {@code ADVISE} message. Advice never changes what is read. */
public enum UsageAdvice {
    /** Nothing is known. */
    NORMAL(0),
    /** In no order. */
    RANDOM(1),
    /** From the start to the end. */
    SEQUENTIAL(2),
    /** Often. */
    HOT(3),
    /** Not soon. */
    COLD(4),
    /** Mostly read. */
    READ_MOSTLY(5);

    private static final UsageAdvice[] VALUES = values();

    private final int code;

    UsageAdvice(int code) {
        this.code = code;
    }

    /** Number in the message. */
    public int code() {
        return code;
    }

    /** The advice with a number. */
    public static Optional<UsageAdvice> of(int code) {
        return code >= 0 && code < VALUES.length ? Optional.of(VALUES[code]) : Optional.empty();
    }
}
