package org.heteromem.stress.soak;

/** The manager broke its promise: a wrong byte, a leaked frame, a stuck thread. The message says which, where and how to repeat it. */
public final class SoakFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SoakFailure(String message, Throwable cause) {
        super(message, cause);
    }

    SoakFailure(String message) {
        super(message);
    }
}
