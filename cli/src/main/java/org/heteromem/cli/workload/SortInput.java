package org.heteromem.cli.workload;

import java.util.Arrays;
import java.util.SplittableRandom;

/** What {@link Sort} sorts: records of a key and a reference, and the text that the references point into, if any. */
final class SortInput {
    private final byte[] text;
    private final long[] keys;
    private final int[] references;

    private SortInput(byte[] text, long[] keys, int[] references) {
        this.text = text;
        this.keys = keys;
        this.references = references;
    }

    /** Records with random keys; the reference is the record's index. */
    static SortInput random(long seed, int count) {
        long[] keys = new SplittableRandom(seed).longs(count).toArray();
        int[] references = new int[count];
        Arrays.setAll(references, i -> i);
        return new SortInput(new byte[0], keys, references);
    }

    /**
     * A record for each line of a text: the key is its first eight bytes, the first byte highest, filled up with zeros;
     * the reference is the index of its first byte.
     */
    static SortInput lines(byte[] text) {
        int count = 0;
        for (int i = 0; i < text.length; i++) {
            count += text[i] == '\n' || i == text.length - 1 ? 1 : 0;
        }
        long[] keys = new long[count];
        int[] starts = new int[count];
        int start = 0;
        for (int line = 0; line < count; line++) {
            int end = endOfLine(text, start);
            starts[line] = start;
            for (int i = 0; i < Long.BYTES; i++) {
                keys[line] = keys[line] << Byte.SIZE | (start + i < end ? text[start + i] & 0xff : 0);
            }
            start = end + 1;
        }
        return new SortInput(text, keys, starts);
    }

    /** The index of the newline that ends the line, or the end of the text. */
    private static int endOfLine(byte[] text, int start) {
        int end = start;
        while (end < text.length && text[end] != '\n') {
            end++;
        }
        return end;
    }

    /** How many records there are. */
    int count() {
        return keys.length;
    }

    /** How long the text is, in bytes; 0 if the records stand for themselves. */
    int textBytes() {
        return text.length;
    }

    /** The text itself, not a copy, for reading. */
    byte[] text() {
        return text;
    }

    /** The key of a record, to be compared as unsigned. */
    long key(int record) {
        return keys[record];
    }

    /** What a record points to. */
    int reference(int record) {
        return references[record];
    }

    /** Compares two records by key, by the bytes of their lines, by reference. */
    int compare(int a, int b) {
        int byKey = Long.compareUnsigned(keys[a], keys[b]);
        if (byKey != 0) {
            return byKey;
        }
        int startA = references[a];
        int startB = references[b];
        int byText = text.length == 0
                ? 0
                : Arrays.compareUnsigned(text, startA, endOfLine(text, startA), text, startB, endOfLine(text, startB));
        return byText != 0 ? byText : Integer.compare(startA, startB);
    }
}
