package org.heteromem.cli.soak;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Pages of one thread in a segment, each with a version whose contents are known. Versions differ in what they compress to:
 * one value all over, hardly at all, well, and almost only zeros.
 */
final class VersionedPages {
    static final int PAGE = 4096;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final int KINDS = 4;

    private final String name;
    private final Arena arena;
    private final MemorySegment memory;
    private final int first;
    private final int stride;
    private final long salt;
    private final int[] versions;

    /**
     * @param name for messages
     * @param arena of the segment, closed with these pages
     * @param memory fresh, which reads as zeros
     * @param first page of the segment that is the first of these
     * @param stride from one of these pages to the next
     */
    VersionedPages(String name, Arena arena, MemorySegment memory, int first, int stride, long salt) {
        this.name = name;
        this.arena = arena;
        this.memory = memory;
        this.first = first;
        this.stride = stride;
        this.salt = salt;
        this.versions = new int[(int) ((memory.byteSize() / PAGE - first + stride - 1) / stride)];
    }

    int count() {
        return versions.length;
    }

    MemorySegment memory() {
        return memory;
    }

    Arena arena() {
        return arena;
    }

    MemorySegment page(int page) {
        return memory.asSlice(offset(page), PAGE);
    }

    private long offset(int page) {
        return (long) (first + page * stride) * PAGE;
    }

    /** Writes the next version of a page, word by word or as one copy. */
    void write(int page, boolean atOnce) {
        int version = ++versions[page];
        if (atOnce) {
            MemorySegment.copy(MemorySegment.ofArray(contents(page, version)), 0, memory, offset(page), PAGE);
            return;
        }
        for (int at = 0; at < PAGE; at += Long.BYTES) {
            memory.set(LONG, offset(page) + at, value(page, version, at));
        }
    }

    private long[] contents(int page, int version) {
        long[] words = new long[PAGE / Long.BYTES];
        for (int i = 0; i < words.length; i++) {
            words[i] = value(page, version, i * Long.BYTES);
        }
        return words;
    }

    private long value(int page, int version, int at) {
        if (version == 0) {
            return 0;
        }
        long mixed = (salt ^ (long) page << 32 ^ version) * MIX;
        return switch (version % KINDS) {
            case 0 -> mixed;
            case 1 -> (mixed + at) * MIX ^ (mixed ^ at) >>> 17;
            case 2 -> (mixed & 0xFF) + at / 64;
            default -> at % 512 == 0 ? mixed : 0;
        };
    }

    /** Checks one word of a page. */
    void check(int page, int word) {
        int at = word * Long.BYTES;
        compare(page, at, memory.get(LONG, offset(page) + at));
    }

    /** Checks all of a page. */
    void checkAll(int page) {
        checkCopy(page, memory.asSlice(offset(page), PAGE));
    }

    /** Checks what was copied from a page. */
    void checkCopy(int page, MemorySegment copy) {
        for (int at = 0; at < PAGE; at += Long.BYTES) {
            compare(page, at, copy.get(LONG, at));
        }
    }

    private void compare(int page, int at, long found) {
        long right = value(page, versions[page], at);
        if (found != right) {
            throw new LiveSoakFailure("page " + page + " of " + name + ", offset " + at + " (address 0x"
                    + Long.toHexString(memory.address() + offset(page) + at) + ") has 0x" + Long.toHexString(found)
                    + "; version " + versions[page] + " is 0x" + Long.toHexString(right));
        }
    }

    /** Damages a word, so that a check must find it. */
    void damage(int page) {
        long at = offset(page) + PAGE / 2;
        memory.set(LONG, at, ~memory.get(LONG, at));
    }
}
