package org.heteromem.devices.storage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.heteromem.core.Page;

/** Pages of every kind that a store treats differently; which one, and every byte, follows from a number. */
final class Contents {
    private static final int WORDS = Page.SIZE / Long.BYTES;

    private Contents() {}

    /** The kinds, by number modulo their count: random, zeros, one word, text-like, half random, nearly one word. */
    static final int KINDS = 6;

    static long[] words(long number) {
        SplittableRandom random = new SplittableRandom(number);
        long[] words = new long[WORDS];
        long word = random.nextLong();
        for (int i = 0; i < WORDS; i++) {
            words[i] = switch ((int) Math.floorMod(number, (long) KINDS)) {
                case 0 -> random.nextLong();
                case 1 -> 0;
                case 2 -> word;
                case 3 -> random.nextInt(50) * 0x0001_0001L;
                case 4 -> i % 2 == 0 ? random.nextLong() : 7;
                default -> i == WORDS - 1 ? number : word;
            };
        }
        return words;
    }

    static MemorySegment segment(long number) {
        return MemorySegment.ofArray(words(number));
    }

    static boolean same(MemorySegment page, long offset, long number) {
        long[] words = words(number);
        for (int i = 0; i < WORDS; i++) {
            if (page.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + (long) i * Long.BYTES) != words[i]) {
                return false;
            }
        }
        return true;
    }
}
