package org.heteromem.cli.run;

import java.io.Serial;

/** A kernel, or a phase on the CPU, threw; where it touched memory wrongly, the message names the address. */
public final class PhaseFailedException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * Makes the error.
     *
     * @param where who ran it
     * @param phase the phase's name
     * @param cause what it threw
     */
    public PhaseFailedException(String where, String phase, Throwable cause) {
        super("'" + phase + "' failed on the " + where + ": " + text(cause), cause);
    }

    private static String text(Throwable cause) {
        String message = cause.getMessage();
        return message == null || message.isBlank() ? cause.toString() : message;
    }
}
