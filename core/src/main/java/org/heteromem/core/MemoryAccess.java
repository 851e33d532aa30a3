package org.heteromem.core;

import java.lang.foreign.MemorySegment;

/**
 * Loads, stores and atomics on the addresses of a process: the face that a CPU thread and a kernel on a device share,
 * so that one algorithm runs on either over the same pointers.
 *
 * <p>Aligned accesses are atomic; unaligned ones may be torn where they cross a page. An instance belongs to one
 * thread. Every method throws {@link AccessException} where the address is not mapped for the access or its page cannot
 * be produced, and {@link MemoryExhaustedException} where a page is needed and none is left.
 */
public interface MemoryAccess {
    /**
     * {@return the byte at an address}
     *
     * @param address any mapped address
     */
    byte loadByte(long address);

    /**
     * {@return the int at an address, native order}
     *
     * @param address any mapped address
     */
    int loadInt(long address);

    /**
     * {@return the long at an address, native order}
     *
     * @param address any mapped address
     */
    long loadLong(long address);

    /**
     * {@return the float at an address, native order}
     *
     * @param address any mapped address
     */
    default float loadFloat(long address) {
        return Float.intBitsToFloat(loadInt(address));
    }

    /**
     * {@return the double at an address, native order}
     *
     * @param address any mapped address
     */
    default double loadDouble(long address) {
        return Double.longBitsToDouble(loadLong(address));
    }

    /**
     * Stores a byte.
     *
     * @param address any mapped address
     * @param value what to store
     */
    void storeByte(long address, byte value);

    /**
     * Stores an int.
     *
     * @param address any mapped address
     * @param value what to store
     */
    void storeInt(long address, int value);

    /**
     * Stores a long.
     *
     * @param address any mapped address
     * @param value what to store
     */
    void storeLong(long address, long value);

    /**
     * Stores a float.
     *
     * @param address any mapped address
     * @param value what to store
     */
    default void storeFloat(long address, float value) {
        storeInt(address, Float.floatToRawIntBits(value));
    }

    /**
     * Stores a double.
     *
     * @param address any mapped address
     * @param value what to store
     */
    default void storeDouble(long address, double value) {
        storeLong(address, Double.doubleToRawLongBits(value));
    }

    /**
     * Replaces an int if it has an expected value; a full fence either way.
     *
     * @param address a multiple of 4
     * @param expected the value it must have
     * @param value the value it gets
     * @return whether it was replaced
     */
    boolean compareAndSetInt(long address, int expected, int value);

    /**
     * Replaces a long if it has an expected value; a full fence either way.
     *
     * @param address a multiple of 8
     * @param expected the value it must have
     * @param value the value it gets
     * @return whether it was replaced
     */
    boolean compareAndSetLong(long address, long expected, long value);

    /**
     * Adds to an int.
     *
     * @param address a multiple of 4
     * @param delta what to add
     * @return the value before
     */
    int getAndAddInt(long address, int delta);

    /**
     * Adds to a long.
     *
     * @param address a multiple of 8
     * @param delta what to add
     * @return the value before
     */
    long getAndAddLong(long address, long delta);

    /**
     * Adds to a double.
     *
     * @param address a multiple of 8
     * @param delta what to add
     * @return the value before
     */
    default double getAndAddDouble(long address, double delta) {
        for (; ; ) {
            long bits = loadLong(address);
            double value = Double.longBitsToDouble(bits);
            if (compareAndSetLong(address, bits, Double.doubleToRawLongBits(value + delta))) {
                return value;
            }
        }
    }

    /**
     * Copies from the address space into a segment. Page by page: each page is a consistent snapshot only as far as its
     * aligned words are.
     *
     * @param address first byte to read
     * @param target where to put the bytes
     * @param targetOffset offset in {@code target}
     * @param bytes how many, not negative
     */
    void read(long address, MemorySegment target, long targetOffset, long bytes);

    /**
     * Copies from a segment into the address space, page by page. On an error the pages before it have been written.
     *
     * @param address first byte to write
     * @param source where the bytes are
     * @param sourceOffset offset in {@code source}
     * @param bytes how many, not negative
     */
    void write(long address, MemorySegment source, long sourceOffset, long bytes);
}
