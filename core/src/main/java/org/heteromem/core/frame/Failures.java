package org.heteromem.core.frame;

import org.jspecify.annotations.Nullable;

/** For those who must see to all of several things, and tell afterwards of what went wrong. */
public final class Failures {
    private Failures() {}

    /**
     * Throws what was caught.
     *
     * @param unchecked a runtime exception or an error; or null, if nothing was
     */
    public static void rethrow(@Nullable Throwable unchecked) {
        if (unchecked instanceof Error error) {
            throw error;
        }
        if (unchecked instanceof RuntimeException exception) {
            throw exception;
        }
    }
}
