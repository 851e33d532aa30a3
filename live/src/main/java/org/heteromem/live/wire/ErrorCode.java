package org.heteromem.live.wire;

import java.util.Optional;

/** Why something could not be done. */
public enum ErrorCode {
    /** The message breaks the protocol; the connection ends. */
    MALFORMED(1),
    /** No common version of the protocol. */
    VERSION(2),
    /** Not by this client, or not now. */
    NOT_ALLOWED(3),
    /** A limit of this client or of the daemon would be passed. */
    LIMIT(4),
    /** The client has no such region. */
    UNKNOWN_REGION(5),
    /** The range is not inside its region, or not in use. */
    BAD_RANGE(6),
    /** Neither RAM nor a device has room. */
    NO_SPACE(7),
    /** There is no such device, or it cannot do that. */
    NO_DEVICE(8),
    /** The kernel to run is not there, or it failed. */
    KERNEL_FAILED(9),
    /** Contents are lost. */
    LOST(10),
    /** The daemon is ending. */
    ENDING(11),
    /** A fault of the daemon. */
    INTERNAL(12),
    /** The process named is no client. */
    NO_PROCESS(13);

    private static final ErrorCode[] VALUES = values();

    private final int code;

    ErrorCode(int code) {
        this.code = code;
    }

    /** Number in the message. */
    public int code() {
        return code;
    }

    /** The error with a number. */
    public static Optional<ErrorCode> of(int code) {
        return code >= 1 && code <= VALUES.length ? Optional.of(VALUES[code - 1]) : Optional.empty();
    }
}
