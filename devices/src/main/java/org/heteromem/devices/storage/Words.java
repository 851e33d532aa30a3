package org.heteromem.devices.storage;

/** Bits of pages or slots, one each, 64 to a word. */
final class Words {
    private Words() {}

    /** {@return where the bits that follow a bit in its word end, or those that are asked for} */
    static long stop(long bit, long end) {
        return Math.min(end, (bit | (Long.SIZE - 1)) + 1);
    }

    /** {@return the bits from one up to another of the same word, or to its end, in their places there} */
    static long bits(long from, long stop) {
        return -1L >>> (Long.SIZE - (stop - from)) << from;
    }
}
