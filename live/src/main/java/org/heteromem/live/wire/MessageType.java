package org.heteromem.live.wire;

import java.util.Optional;

/** The kinds of message, their numbers, and how many descriptors come with each. */
public enum MessageType {
    /** First word of a client. Answer: WELCOME. */
    HELLO(1, 0),
    /** First word of the daemon. */
    WELCOME(2, 0),
    /** A region of memory, with its memfd and its userfaultfd, in this order. Answer: DONE. */
    REGISTER_REGION(3, 2),
    /** A region ends. Answer: DONE, after which its memory may be unmapped. */
    UNREGISTER_REGION(4, 0),
    /** Ranges come into use. Answer: DONE. */
    ALLOCATE(5, 0),
    /**
     * Ranges are no longer in use; their contents may be dropped, and pins that meet them end. Answer: DONE.
     */
    FREE(6, 0),
    /** Bring ranges to RAM. Answer: DONE, with pages. */
    PREFETCH(7, 0),
    /** Send ranges away. Answer: DONE, with pages. */
    EVICT(8, 0),
    /** How ranges will be used. Answer: DONE, with pages that have moved. */
    ADVISE(9, 0),
    /** Bring ranges to RAM and keep them there. Answer: DONE. */
    PIN(10, 0),
    /** End of the pins that one PIN has made. Answer: DONE. */
    UNPIN(11, 0),
    /** How many pages of ranges are where. Answer: COUNTERS. */
    RESIDENCY(12, 0),
    /** Run a kernel on a device. Answer: DONE, with its result. */
    LAUNCH(13, 0),
    /** How daemon and clients are doing. Answer: COUNTERS, one for each. */
    STATUS(14, 0),
    /** The areas of one process. Answer: TEXT. */
    SMAPS(15, 0),
    /** Names with numbers. */
    COUNTERS(16, 0),
    /** Text for a terminal. */
    TEXT(17, 0),
    /** It is done. */
    DONE(18, 0),
    /** It could not be done. */
    ERROR(19, 0),
    /** Take ranges out of the page table, so that their next use is a fault and seen. A notice of the daemon, and a hint. */
    IDLE(20, 0);

    private static final MessageType[] BY_CODE = new MessageType[21];

    static {
        for (MessageType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int descriptors;

    MessageType(int code, int descriptors) {
        this.code = code;
        this.descriptors = descriptors;
    }

    /** Number in the header. */
    public int code() {
        return code;
    }

    /** How many descriptors come with it: no more, no fewer. */
    public int descriptors() {
        return descriptors;
    }

    /** The type with a number. */
    public static Optional<MessageType> of(int code) {
        return code > 0 && code < BY_CODE.length ? Optional.ofNullable(BY_CODE[code]) : Optional.empty();
    }
}
