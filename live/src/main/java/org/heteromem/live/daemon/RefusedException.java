package org.heteromem.live.daemon;

import org.heteromem.live.wire.ErrorCode;

/** A request that is not granted; the client is told why and may go on. */
final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient ErrorCode code;

    RefusedException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    ErrorCode code() {
        return code;
    }
}
