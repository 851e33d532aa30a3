package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code STATUS} and {@code SMAPS}: a question about a process.
 *
 * <pre>
 *   16              20
 *   +---------------+
 *   | process id    |  0 in STATUS: the daemon and all clients
 *   +---------------+
 * </pre>
 */
public final class Query extends Message {
    private static final int PID = 16;
    private static final int END = 20;

    /**
     * Fills a buffer.
     *
     * @param type {@link MessageType#STATUS} or {@link MessageType#SMAPS}
     * @param pid whose; 0 for all, in STATUS only
     */
    public Query encode(MemorySegment buffer, MessageType type, long correlation, int pid) {
        start(buffer, type, correlation);
        extend(END - Wire.HEADER_BYTES);
        putI32(PID, pid);
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.STATUS || candidate == MessageType.SMAPS;
    }

    @Override
    void validate() {
        need(PID, END - PID, "body");
        int lowest = type() == MessageType.STATUS ? 0 : 1;
        require(i32(PID) >= lowest, "process id", PID, i32(PID), lowest + " or more");
        end(END);
    }

    /** The process; 0 for all. */
    public int pid() {
        return i32(PID);
    }
}
