package org.heteromem.cli.daemon;

import java.io.Serial;

/** A daemon cannot serve, and the message says why: its socket, its port. */
public final class DaemonFailedException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Has the message that the user will read, one line without a final stop. */
    public DaemonFailedException(String message) {
        super(message);
    }

    /** Has the message that the user will read and what it was seen by. */
    public DaemonFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
