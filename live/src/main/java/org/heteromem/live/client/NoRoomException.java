package org.heteromem.live.client;

import java.io.Serial;

/** There is no room for an allocation; becomes an {@link OutOfMemoryError} that also says what was asked for. */
final class NoRoomException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    NoRoomException(String why) {
        super(why);
    }

    NoRoomException(String why, Throwable cause) {
        super(why, cause);
    }
}
