package org.heteromem.cli.run;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.heteromem.cli.BadInputException;
import org.heteromem.core.Page;

/** Sizes of memory as people write them: {@code 64M}, {@code 1G}, {@code 512K}, {@code 4096}. */
public final class Sizes {
    private static final Pattern SIZE = Pattern.compile("([0-9]+)([KMGT]?)(?:I?B)?");
    private static final String UNITS = "KMGT";

    private Sizes() {}

    /**
     * Reads a size.
     *
     * @param what whose size, for the error: an option and, if need be, a part of its value
     * @param text a whole number with K, M, G or T for powers of 1024, or nothing for bytes; small letters, and a B or iB
     *     behind, are fine
     * @param min least bytes allowed
     * @param max most bytes allowed
     * @return the size in bytes, a multiple of the page size
     * @throws BadInputException if it does not parse, is out of range or not whole pages
     */
    public static long parse(String what, String text, long min, long max) {
        Matcher match = SIZE.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!match.matches()) {
            throw new BadInputException(what + ": '" + text
                    + "' is not a size: write a whole number with K, M, G or T, for example 64M, or without for bytes");
        }
        int shift = match.group(2).isEmpty() ? 0 : 10 * (UNITS.indexOf(match.group(2)) + 1);
        long bytes;
        try {
            bytes = Math.multiplyExact(Long.parseLong(match.group(1)), 1L << shift);
        } catch (NumberFormatException | ArithmeticException _) {
            bytes = Long.MAX_VALUE - Page.OFFSET_MASK;
        }
        if (bytes < min || bytes > max) {
            throw new BadInputException(
                    what + ": " + text + " is out of range: from " + format(min) + " to " + format(max));
        }
        if ((bytes & Page.OFFSET_MASK) != 0) {
            throw new BadInputException(
                    what + ": " + text + " is not a whole number of pages of " + Page.SIZE + " bytes");
        }
        return bytes;
    }

    /** {@return a size in its largest unit, with one digit after the point where it is not exact: 64M, 1G, 18.4M} */
    public static String format(long bytes) {
        int unit = UNITS.length();
        while (unit > 0 && bytes < 1L << (10 * unit)) {
            unit--;
        }
        if (unit == 0) {
            return Long.toString(bytes);
        }
        long whole = 1L << (10 * unit);
        String number = bytes % whole == 0
                ? Long.toString(bytes / whole)
                : String.format(Locale.ROOT, "%.1f", (double) bytes / whole);
        return number + UNITS.charAt(unit - 1);
    }
}
