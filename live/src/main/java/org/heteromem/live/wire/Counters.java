package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code COUNTERS}: names with numbers, of one subject. Several may answer one question; all but the last say so.
 *
 * <pre>
 *   16              20              24              28
 *   +---------------+---------------+---------------+----------------- - -
 *   | process id    | 1: more follow| entries       | subject (string)
 *   +---------------+---------------+---------------+----------------- - -
 *   | each: value 8 (signed), name (string)
 *   +----------------------------------------------------------------- - -
 * </pre>
 */
public final class Counters extends Message {
    private static final int PID = 16;
    private static final int MORE = 20;
    private static final int COUNT = 24;
    private static final int SUBJECT = 28;

    private int entries;

    /**
     * Starts one in a buffer, without entries yet.
     *
     * @param pid process it is about; 0 for none
     * @param following whether more answers follow this one
     * @param subject what it is about, such as the program's name
     */
    public Counters begin(MemorySegment buffer, long correlation, int pid, Following following, String subject) {
        start(buffer, MessageType.COUNTERS, correlation);
        extend(SUBJECT - Wire.HEADER_BYTES);
        putI32(PID, pid);
        putI32(MORE, following.code());
        putString(subject, Wire.MAX_NAME_BYTES, "subject");
        entries = length();
        return this;
    }

    /** Adds one. */
    public Counters add(String name, long value) {
        int count = i32(COUNT);
        require(count < Wire.MAX_COUNTERS, "entries", COUNT, count + 1L, "at most " + Wire.MAX_COUNTERS);
        int at = extend(8);
        putI64(at, value);
        putString(name, Wire.MAX_NAME_BYTES, "name");
        putI32(COUNT, count + 1);
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.COUNTERS;
    }

    @Override
    void validate() {
        need(PID, SUBJECT - PID, "body");
        require(i32(PID) >= 0, "process id", PID, i32(PID), "0 or more");
        require(i32(MORE) == 0 || i32(MORE) == 1, "more", MORE, i32(MORE), "0 or 1");
        int count = i32(COUNT);
        require(count >= 0 && count <= Wire.MAX_COUNTERS, "entries", COUNT, count, "0 to " + Wire.MAX_COUNTERS);
        entries = checkString(SUBJECT, Wire.MAX_NAME_BYTES, "subject");
        int at = entries;
        for (int i = 0; i < count; i++) {
            need(at, 8, "value");
            at = checkString(at + 8, Wire.MAX_NAME_BYTES, "name");
        }
        end(at);
    }

    /** The process it is about; 0 for none. */
    public int pid() {
        return i32(PID);
    }

    /** Whether more answers follow. */
    public Following following() {
        return i32(MORE) == 0 ? Following.LAST : Following.MORE;
    }

    /** What it is about. */
    public String subject() {
        return string(SUBJECT);
    }

    /** A copy of the entries, in their order. */
    public Map<String, Long> entries() {
        Map<String, Long> all = new LinkedHashMap<>();
        int at = entries;
        for (int i = 0; i < i32(COUNT); i++) {
            all.put(string(at + 8), i64(at));
            at += 10 + u16(at + 8);
        }
        return all;
    }
}
