package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code REGISTER_REGION}: memory of the client, with its memfd and its userfaultfd as descriptors 0 and 1.
 *
 * <pre>
 *   16              20              24                              32                              40
 *   +---------------+---------------+-------------------------------+-------------------------------+------
 *   | region        | 0             | address in the client         | length, bytes                 | name
 *   +---------------+---------------+-------------------------------+-------------------------------+------
 * </pre>
 */
public final class RegisterRegion extends Message {
    private static final int REGION = 16;
    private static final int ZERO = 20;
    private static final int ADDRESS = 24;
    private static final int LENGTH = 32;
    private static final int NAME = 40;

    /**
     * Fills a buffer.
     *
     * @param region number that the client gives it, at most {@link Wire#MAX_REGION_ID}
     * @param address where the client has mapped it; whole pages
     * @param bytes whole pages
     * @param name for lists; may be empty
     */
    public RegisterRegion encode(
            MemorySegment buffer, long correlation, int region, long address, long bytes, String name) {
        start(buffer, MessageType.REGISTER_REGION, correlation);
        extend(NAME - Wire.HEADER_BYTES);
        putI32(REGION, region);
        putI64(ADDRESS, address);
        putI64(LENGTH, bytes);
        putString(name, Wire.MAX_NAME_BYTES, "name");
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.REGISTER_REGION;
    }

    @Override
    void validate() {
        need(REGION, NAME - REGION, "body");
        requireRegion(REGION, i32(REGION));
        require(i32(ZERO) == 0, "reserved", ZERO, i32(ZERO), "0");
        requireRange(ADDRESS, i64(ADDRESS), i64(LENGTH));
        require(i64(ADDRESS) != 0, "address", ADDRESS, 0, "not 0");
        end(checkString(NAME, Wire.MAX_NAME_BYTES, "name"));
    }

    /** Number of the region. */
    public int region() {
        return i32(REGION);
    }

    /** First address in the client. */
    public long address() {
        return i64(ADDRESS);
    }

    /** Bytes. */
    public long bytesMapped() {
        return i64(LENGTH);
    }

    /** Name, maybe empty. */
    public String name() {
        return string(NAME);
    }
}
