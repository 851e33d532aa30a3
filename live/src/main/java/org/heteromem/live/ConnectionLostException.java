package org.heteromem.live;

import java.io.Serial;

/**
 * The daemon has gone. Pages in RAM can still be used; a touch of a page that is elsewhere waits, since nobody can bring it, and
 * never reads anything wrong. Nothing can be allocated any more by the {@link Heteromem} that throws this.
 */
public final class ConnectionLostException extends HeteromemException {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * @param message what was asked, and how the connection ended
     */
    public ConnectionLostException(String message) {
        super(message);
    }
}
