package org.heteromem.live;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: {@code 512M}, {@code 8G}, {@code 1T}, {@code 65536}. */
final class MemorySize {
    private static final Pattern SIZE = Pattern.compile("([0-9]+)([KMGT]?)(?:I?B)?");
    private static final String UNITS = "KMGT";
    private static final long PAGE_BYTES = 4096;

    /** The user half of an address space. */
    private static final long MAX_BYTES = 1L << 47;

    private MemorySize() {}

    /**
     * Reads a size.
     *
     * @param text a whole number with K, M, G or T for powers of 1024, or none for bytes; small letters, and a B or iB
     *     behind, are fine
     * @param what whose size, for the error
     * @return bytes, whole pages, at least one
     * @throws IllegalArgumentException if it is no size, not whole pages, zero or too large; names the text
     */
    static long parse(String text, String what) {
        Matcher match = SIZE.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!match.matches()) {
            throw new IllegalArgumentException(what + ": '" + text
                    + "' is not a size; write a whole number with K, M, G or T, such as 512M, or without for bytes");
        }
        int shift = match.group(2).isEmpty() ? 0 : 10 * (UNITS.indexOf(match.group(2)) + 1);
        String digits = match.group(1);
        // Nineteen digits and more are out of range whatever their unit.
        long number = digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
        if (number > MAX_BYTES >> shift) {
            throw outOfRange(what, text);
        }
        return check(number << shift, what, text);
    }

    /** {@link #parse} for one that is given as bytes. */
    static long check(long bytes, String what) {
        return check(bytes, what, Long.toString(bytes));
    }

    private static long check(long bytes, String what, String text) {
        if (bytes <= 0 || bytes > MAX_BYTES) {
            throw outOfRange(what, text);
        }
        if (bytes % PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    what + ": '" + text + "' is not a whole number of pages of " + PAGE_BYTES + " bytes");
        }
        return bytes;
    }

    private static IllegalArgumentException outOfRange(String what, String text) {
        return new IllegalArgumentException(what + ": '" + text + "' is out of range: from 4K to 128T");
    }
}
