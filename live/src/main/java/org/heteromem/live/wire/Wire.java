package org.heteromem.live.wire;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Version, limits and number formats of the protocol; all of them here and nowhere else. */
public final class Wire {
    /** The version that this code speaks. */
    public static final int VERSION = 1;

    /** Bytes of the header. */
    public static final int HEADER_BYTES = 16;

    /** Longest message, header included. Well below Linux's default socket buffer, so that one always fits. */
    public static final int MAX_MESSAGE_BYTES = 64 << 10;

    /** Regions and ranges within them are multiples of this. */
    public static final int PAGE_BYTES = 4096;

    /** Longest region: the user half of a 48-bit address space. */
    public static final long MAX_REGION_BYTES = 1L << 47;

    /** Largest number that names a region. */
    public static final int MAX_REGION_ID = 1 << 20;

    /** Most ranges in one message. */
    public static final int MAX_RANGES = 4000;

    /** Most arguments of a kernel. */
    public static final int MAX_ARGUMENTS = 256;

    /** Most entries in one message of counters. */
    public static final int MAX_COUNTERS = 512;

    /** Longest name of a program, region, device or counter, in bytes. */
    public static final int MAX_NAME_BYTES = 128;

    /** Longest class name of a kernel, in bytes. */
    public static final int MAX_CLASS_NAME_BYTES = 1024;

    /** Longest text of an error, in bytes. */
    public static final int MAX_DETAIL_BYTES = 4096;

    /** Longest piece of text in one message, in bytes; longer text is sent in pieces. */
    public static final int MAX_TEXT_BYTES = 60 << 10;

    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** A correlation holds, from this bit on, the process id of the daemon that is asked; 0 asks whoever is there. */
    static final int TAG_SHIFT = 32;

    private Wire() {}

    /**
     * {@return a correlation for a request to one daemon, which a successor drops: the client asks it again}
     *
     * @param daemon process id of the daemon, or 0 for whoever is there
     * @param number of the request
     */
    public static long correlation(int daemon, int number) {
        return (long) daemon << TAG_SHIFT | Integer.toUnsignedLong(number);
    }

    /**
     * {@return the process id of the daemon that a correlation is for; 0 for any}
     *
     * @param correlation of a request
     */
    public static int addressee(long correlation) {
        return (int) (correlation >>> TAG_SHIFT);
    }

    /**
     * {@return the number of a request, which it keeps when it is asked again}
     *
     * @param correlation of a request
     */
    public static int number(long correlation) {
        return (int) correlation;
    }
}
