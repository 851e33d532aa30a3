package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Pages of a region, by number, one bit each in memory that it is given. Guarded by its owner. */
final class PageSet {
    private final MemorySegment words;
    private long size;

    /** What the memory says. */
    PageSet(MemorySegment words) {
        this.words = words;
        for (long word = 0; word < words.byteSize() / Long.BYTES; word++) {
            size += Long.bitCount(words.getAtIndex(ValueLayout.JAVA_LONG, word));
        }
    }

    /** Bytes for the bits of some pages. */
    static long bytes(long pages) {
        return (pages + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
    }

    /** Adds pages and returns how many were not in it. */
    long add(long first, long count) {
        return change(first, count, true);
    }

    /** Removes pages and returns how many were in it. */
    long remove(long first, long count) {
        return change(first, count, false);
    }

    private long change(long first, long count, boolean present) {
        long changed = 0;
        for (long at = first; at < first + count; ) {
            long word = at / Long.SIZE;
            long mask = mask(at, first + count);
            long old = words.getAtIndex(ValueLayout.JAVA_LONG, word);
            long fresh = present ? old | mask : old & ~mask;
            words.setAtIndex(ValueLayout.JAVA_LONG, word, fresh);
            changed += Long.bitCount(old ^ fresh);
            at = (word + 1) * Long.SIZE;
        }
        size += present ? changed : -changed;
        return changed;
    }

    /** How many of some pages are in it. */
    long count(long first, long count) {
        long found = 0;
        for (long at = first; at < first + count; ) {
            long word = at / Long.SIZE;
            found += Long.bitCount(words.getAtIndex(ValueLayout.JAVA_LONG, word) & mask(at, first + count));
            at = (word + 1) * Long.SIZE;
        }
        return found;
    }

    /** The bits of a word from one page on, to the end of the word or of the range. */
    private static long mask(long from, long end) {
        long mask = -1L << (from % Long.SIZE);
        long wordEnd = (from / Long.SIZE + 1) * Long.SIZE;
        return end < wordEnd ? mask & ~(-1L << (end % Long.SIZE)) : mask;
    }

    /** How many pages are in it. */
    long size() {
        return size;
    }
}
