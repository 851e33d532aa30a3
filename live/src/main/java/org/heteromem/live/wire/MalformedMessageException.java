package org.heteromem.live.wire;

import java.io.Serial;

/** A message breaks the protocol's rules: which one, where, with which value. The sender is not to be talked to again. */
public final class MalformedMessageException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * @param message which message, field and value, and what was expected
     */
    public MalformedMessageException(String message) {
        super(message);
    }
}
