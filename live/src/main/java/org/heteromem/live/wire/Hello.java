package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code HELLO}: who calls, and what it wants.
 *
 * <pre>
 *   16      18      20              24                              32              36
 *   +-------+-------+---------------+-------------------------------+---------------+--------
 *   |lowest |highest| role          | RAM asked for, bytes          | page size     | name
 *   |version|version|               | (0: what the daemon gives)    |               |
 *   +-------+-------+---------------+-------------------------------+---------------+--------
 * </pre>
 */
public final class Hello extends Message {
    /** What a connection is for. */
    public enum Role {
        /** It will register memory. */
        CLIENT(0),
        /** It only asks: status, top, smaps. */
        OBSERVER(1);

        private final int code;

        Role(int code) {
            this.code = code;
        }
    }

    private static final Role[] ROLES = Role.values();
    private static final int LOWEST = 16;
    private static final int HIGHEST = 18;
    private static final int ROLE = 20;
    private static final int RAM = 24;
    private static final int PAGE = 32;
    private static final int NAME = 36;

    /**
     * Fills a buffer.
     *
     * @param ramBytes asked for; 0 leaves it to the daemon
     * @param pageBytes page size of the client
     * @param name of the program, for lists; at most {@link Wire#MAX_NAME_BYTES} bytes
     */
    public Hello encode(MemorySegment buffer, long correlation, Role role, long ramBytes, int pageBytes, String name) {
        start(buffer, MessageType.HELLO, correlation);
        extend(NAME - Wire.HEADER_BYTES);
        putU16(LOWEST, Wire.VERSION);
        putU16(HIGHEST, Wire.VERSION);
        putI32(ROLE, role.code);
        putI64(RAM, ramBytes);
        putI32(PAGE, pageBytes);
        putString(name, Wire.MAX_NAME_BYTES, "name");
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.HELLO;
    }

    @Override
    void validate() {
        need(LOWEST, NAME - LOWEST, "body");
        require(u16(LOWEST) >= 1, "lowest version", LOWEST, u16(LOWEST), "1 or more");
        require(u16(HIGHEST) >= u16(LOWEST), "highest version", HIGHEST, u16(HIGHEST), "not below the lowest");
        require(i32(ROLE) >= 0 && i32(ROLE) < ROLES.length, "role", ROLE, i32(ROLE), "0 or 1");
        require(
                i64(RAM) >= 0 && i64(RAM) <= Wire.MAX_REGION_BYTES,
                "ram",
                RAM,
                i64(RAM),
                "0 to " + Wire.MAX_REGION_BYTES);
        int page = i32(PAGE);
        require(
                page >= 4096 && page <= 1 << 20 && Integer.bitCount(page) == 1,
                "page size",
                PAGE,
                page,
                "4 KiB to 1 MiB");
        end(checkString(NAME, Wire.MAX_NAME_BYTES, "name"));
    }

    /** Whether the sender speaks a version. */
    public boolean speaks(int version) {
        return version >= u16(LOWEST) && version <= u16(HIGHEST);
    }

    /** What the connection is for. */
    public Role role() {
        return ROLES[i32(ROLE)];
    }

    /** RAM asked for, in bytes; 0 leaves it to the daemon. */
    public long ramBytes() {
        return i64(RAM);
    }

    /** Page size of the sender. */
    public int pageBytes() {
        return i32(PAGE);
    }

    /** Name of the program. */
    public String name() {
        return string(NAME);
    }
}
