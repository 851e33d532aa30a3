package org.heteromem.core;

/** A page was needed and none could be had, in RAM or by moving others to a device. The message tells how full each is. */
public final class MemoryExhaustedException extends MemoryException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the error.
     *
     * @param message what was asked, and how full each memory is
     */
    public MemoryExhaustedException(String message) {
        super(Errno.ENOMEM, message);
    }
}
