package org.heteromem.proof.op;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Words of 1, 4 or 8 bytes in an array, in the order of bytes that the machine has. */
public final class Word {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private Word() {}

    /**
     * {@return a word, sign-extended}
     *
     * @param from where it is
     * @param at its first byte
     * @param bytes its size
     */
    public static long get(byte[] from, int at, int bytes) {
        return switch (bytes) {
            case 1 -> from[at];
            case 4 -> (int) INT.get(from, at);
            default -> (long) LONG.get(from, at);
        };
    }

    /**
     * Sets a word.
     *
     * @param in where it is
     * @param at its first byte
     * @param bytes its size
     * @param value the lower bytes of which it gets
     */
    public static void set(byte[] in, int at, int bytes, long value) {
        switch (bytes) {
            case 1 -> in[at] = (byte) value;
            case 4 -> INT.set(in, at, (int) value);
            default -> LONG.set(in, at, value);
        }
    }
}
