package org.heteromem.core;

/**
 * An operation on memory that was refused. Nothing was changed beyond what the operation's own description says; the
 * message names the operation, the address or value and, where there is something to do about it, what.
 */
public class MemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    /**
     * Makes a refusal.
     *
     * @param errno Linux's name for the reason
     * @param message what was asked, of what, with which value
     */
    public MemoryException(Errno errno, String message) {
        super(errno + ": " + message);
        this.errno = errno;
    }

    /** {@return the reason under its Linux name} */
    public Errno errno() {
        return errno;
    }
}
