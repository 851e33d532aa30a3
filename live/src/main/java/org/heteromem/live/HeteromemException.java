package org.heteromem.live;

import java.io.Serial;

/** Something that concerns managed memory as a whole, not one call's arguments. Its message is meant for people. */
public class HeteromemException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * @param message what was asked, what came of it, and what to do
     */
    public HeteromemException(String message) {
        super(message);
    }

    /**
     * @param message what was asked, what came of it, and what to do
     * @param cause what the system said
     */
    public HeteromemException(String message, Throwable cause) {
        super(message, cause);
    }
}
