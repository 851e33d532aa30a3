package org.heteromem.cli;

import java.io.Serial;

/**
 * The user's input cannot be used, and the message says why: what, where, which value, what to do.
 *
 * <p>Ends the command with {@link ExitCode#USAGE} and the message as one line on standard error.
 */
public final class BadInputException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Has the message that the user will read, one line without a final stop. */
    public BadInputException(String message) {
        super(message);
    }

    /** Has the message that the user will read and what it was seen by. */
    public BadInputException(String message, Throwable cause) {
        super(message, cause);
    }
}
