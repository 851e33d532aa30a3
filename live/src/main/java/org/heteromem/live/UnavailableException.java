package org.heteromem.live;

import java.io.Serial;

/**
 * Managed memory cannot be had: the machine does not allow it (the message is the doctor's), no daemon answers, or a
 * private one does not start.
 */
public final class UnavailableException extends HeteromemException {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * @param message why, and what to do
     */
    public UnavailableException(String message) {
        super(message);
    }

    /**
     * @param message why, and what to do
     * @param cause what the system said
     */
    public UnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
