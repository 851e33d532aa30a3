package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code WELCOME}: the daemon's limits for this client.
 *
 * <pre>
 *   16              20              24                              32
 *   +---------------+---------------+-------------------------------+
 *   | daemon's pid  | block, bytes  | client's number               |
 *   +---------------+---------------+-------------------------------+ 48
 *   | RAM granted, bytes            | longest region, bytes         |
 *   +---------------+---------------+-------------------------------+
 *   | most regions  |
 *   +---------------+ 52
 * </pre>
 */
public final class Welcome extends Message {
    private static final int PID = 16;
    private static final int BLOCK = 20;
    private static final int CLIENT = 24;
    private static final int RAM = 32;
    private static final int REGION_BYTES = 40;
    private static final int REGIONS = 48;
    private static final int END = 52;

    /**
     * Fills a buffer.
     *
     * @param blockBytes how much a fault brings; regions are best aligned to it
     * @param client the daemon's number for this client, in its logs and lists
     * @param ramBytes granted
     * @param maxRegionBytes longest region it will take
     * @param maxRegions most regions it will take
     */
    public Welcome encode(
            MemorySegment buffer,
            long correlation,
            int daemonPid,
            int blockBytes,
            long client,
            long ramBytes,
            long maxRegionBytes,
            int maxRegions) {
        start(buffer, MessageType.WELCOME, correlation);
        extend(END - Wire.HEADER_BYTES);
        putI32(PID, daemonPid);
        putI32(BLOCK, blockBytes);
        putI64(CLIENT, client);
        putI64(RAM, ramBytes);
        putI64(REGION_BYTES, maxRegionBytes);
        putI32(REGIONS, maxRegions);
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.WELCOME;
    }

    @Override
    void validate() {
        need(PID, END - PID, "body");
        require(i32(PID) > 0, "daemon's pid", PID, i32(PID), "1 or more");
        int block = i32(BLOCK);
        require(
                block >= Wire.PAGE_BYTES && Integer.bitCount(block) == 1,
                "block",
                BLOCK,
                block,
                "a power of two of whole pages");
        require(i64(CLIENT) > 0, "client", CLIENT, i64(CLIENT), "1 or more");
        require(i64(RAM) > 0, "ram", RAM, i64(RAM), "more than 0");
        long region = i64(REGION_BYTES);
        require(
                region > 0 && region <= Wire.MAX_REGION_BYTES,
                "longest region",
                REGION_BYTES,
                region,
                "1 to " + Wire.MAX_REGION_BYTES);
        require(i32(REGIONS) > 0, "most regions", REGIONS, i32(REGIONS), "1 or more");
        end(END);
    }

    /** Process id of the daemon. */
    public int daemonPid() {
        return i32(PID);
    }

    /** How many bytes a fault brings. */
    public int blockBytes() {
        return i32(BLOCK);
    }

    /** The daemon's number for this client. */
    public long client() {
        return i64(CLIENT);
    }

    /** RAM that this client's regions may hold together, in bytes. */
    public long ramBytes() {
        return i64(RAM);
    }

    /** Longest region that the daemon will take, in bytes. */
    public long maxRegionBytes() {
        return i64(REGION_BYTES);
    }

    /** Most regions that the daemon will take. */
    public int maxRegions() {
        return i32(REGIONS);
    }
}
