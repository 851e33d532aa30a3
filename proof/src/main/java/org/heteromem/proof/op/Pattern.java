package org.heteromem.proof.op;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Bytes to write, told by a seed. */
public final class Pattern {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Pattern() {}

    /**
     * Fills.
     *
     * @param target what to fill, from its start
     * @param bytes how many
     * @param seed told apart by their bytes
     */
    public static void fill(byte[] target, int bytes, long seed) {
        long word = seed * 0x9e3779b97f4a7c15L | 1;
        int i = 0;
        for (; i + 8 <= bytes; i += 8) {
            LONG.set(target, i, word);
            word += 0x632be59bd9b4e019L;
        }
        for (; i < bytes; i++) {
            target[i] = (byte) (word >>> (i & 7) * 8);
        }
    }
}
