package org.heteromem.cli.workload;

import org.heteromem.core.MemoryAccess;

/**
 * A hash table of words with their counts, in the memory of the process. Open addressing; a slot is free while its
 * count is 0, so fresh memory is an empty table. Not safe for writers on several threads.
 *
 * <pre>
 *   0          8          12         16         24
 *   ┌──────────┬──────────┬──────────┬──────────┐
 *   │   hash   │  start   │  length  │  count   │
 *   └──────────┴──────────┴──────────┴──────────┘
 * </pre>
 *
 * @param address where the slots begin
 * @param slots how many there are, a power of two
 * @param text address of the text: {@code start} counts from here
 */
record WordTable(long address, int slots, long text) {
    static final int SLOT_BYTES = 24;

    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    /** Whether a byte is part of a word: an ASCII letter or digit, or part of a UTF-8 sequence. */
    static boolean isWordByte(byte value) {
        return value < 0
                || (value >= 'a' && value <= 'z')
                || (value >= 'A' && value <= 'Z')
                || (value >= '0' && value <= '9');
    }

    /** The byte with ASCII capitals made small. */
    static byte lower(byte value) {
        return value >= 'A' && value <= 'Z' ? (byte) (value + ('a' - 'A')) : value;
    }

    /** The hash of no bytes, from which {@link #hash} goes on. */
    static long emptyHash() {
        return FNV_OFFSET;
    }

    /** The hash after one more byte of a word. */
    static long hash(long before, byte value) {
        return (before ^ (value & 0xff)) * FNV_PRIME;
    }

    /** Whether adding {@code words} new words to {@code used} leaves a quarter of the slots free. */
    static boolean hasRoom(int slots, long used, long words) {
        return used + words <= slots - slots / 4;
    }

    /**
     * Adds to the count of a word.
     *
     * @return how many words the table has gained: 1, or 0 if it knew the word
     */
    int add(MemoryAccess memory, long hash, int start, int length, long count) {
        for (int slot = (int) (hash >>> 20) & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
            long entry = entry(slot);
            long old = memory.loadLong(entry + 16);
            if (old == 0) {
                memory.storeLong(entry, hash);
                memory.storeInt(entry + 8, start);
                memory.storeInt(entry + 12, length);
                memory.storeLong(entry + 16, count);
                return 1;
            }
            if (memory.loadLong(entry) == hash
                    && memory.loadInt(entry + 12) == length
                    && sameWord(memory, memory.loadInt(entry + 8), start, length)) {
                memory.storeLong(entry + 16, old + count);
                return 0;
            }
        }
    }

    private boolean sameWord(MemoryAccess memory, int a, int b, int length) {
        for (int i = 0; i < length; i++) {
            if (memory.loadByte(text + a + i) != memory.loadByte(text + b + i)) {
                return false;
            }
        }
        return true;
    }

    /** Adds all words of this table to another; how many words the other has gained. */
    int addTo(MemoryAccess memory, WordTable other) {
        int gained = 0;
        for (int slot = 0; slot < slots; slot++) {
            long entry = entry(slot);
            long count = memory.loadLong(entry + 16);
            if (count != 0) {
                int start = memory.loadInt(entry + 8);
                gained += other.add(memory, memory.loadLong(entry), start, memory.loadInt(entry + 12), count);
            }
        }
        return gained;
    }

    /** Makes all slots free. */
    void clear(MemoryAccess memory) {
        for (int slot = 0; slot < slots; slot++) {
            memory.storeLong(entry(slot) + 16, 0);
        }
    }

    /** Address of a slot. */
    long entry(int slot) {
        return address + (long) SLOT_BYTES * slot;
    }
}
