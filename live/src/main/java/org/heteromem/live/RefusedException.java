package org.heteromem.live;

import java.io.Serial;

/** The daemon has understood what was asked, and has not done it. Everything else goes on. */
public final class RefusedException extends HeteromemException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String reason;

    /**
     * @param message what was asked, and the daemon's words
     * @param reason the daemon's reason as one word, such as {@code LIMIT}
     */
    public RefusedException(String message, String reason) {
        super(message);
        this.reason = reason;
    }

    /** The daemon's reason as one word, such as {@code LIMIT}, {@code NO_SPACE}, {@code NO_DEVICE}. */
    public String reason() {
        return reason;
    }
}
