package org.heteromem.cli.conform;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.heteromem.core.Page;

/** Writes results as recordings write them. */
final class Tokens {
    private Tokens() {}

    /** {@return a list with runs of equal words as {@code word*count}} */
    static String list(List<String> words) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < words.size(); ) {
            int run = i + 1;
            while (run < words.size() && words.get(run).equals(words.get(i))) {
                run++;
            }
            if (i > 0) {
                out.append(' ');
            }
            out.append(words.get(i));
            if (run - i > 1) {
                out.append('*').append(run - i);
            }
            i = run;
        }
        return out.toString();
    }

    /** {@return the value of a page: of its words, which must all be equal} */
    static String value(MemorySegment data, int page) {
        long offset = Page.address(page);
        long value = data.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
        for (long at = offset + 8; at < offset + Page.SIZE; at += 8) {
            long other = data.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            if (other != value) {
                return "torn:" + hex(value) + "/" + hex(other);
            }
        }
        return hex(value);
    }

    private static String hex(long value) {
        return value == 0 ? "0" : "0x" + Long.toHexString(value);
    }

    /** Fills a page with a value. */
    static void fill(MemorySegment data, int page, long value) {
        long offset = Page.address(page);
        for (long at = offset; at < offset + Page.SIZE; at += 8) {
            data.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
        }
    }
}
