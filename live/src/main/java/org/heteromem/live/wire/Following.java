package org.heteromem.live.wire;

/** Whether an answer of several messages goes on. */
public enum Following {
    /** This is the last. */
    LAST(0),
    /** More follow, with the same correlation. */
    MORE(1);

    private final int code;

    Following(int code) {
        this.code = code;
    }

    /** Number in the message. */
    int code() {
        return code;
    }
}
