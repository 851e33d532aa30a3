package org.heteromem.cli.soak;

/** Live mode broke its promise: a wrong byte, a lost page, a thread that gets nowhere. The message says which and where. */
public final class LiveSoakFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LiveSoakFailure(String message) {
        super(message);
    }
}
