package org.heteromem.live.daemon;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.heteromem.core.Page;
import org.heteromem.devices.accelerator.AcceleratorBuilder;

/**
 * A device that computes, as people write it: {@code accelerator:SIZE}.
 *
 * @param bytes its memory
 */
record ComputeDevice(long bytes) {
    /** Its name, in residency and in launches. */
    static final String NAME = "accelerator";

    private static final Pattern FORM =
            Pattern.compile(NAME + ":([0-9]{1,15})([KMGT]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "KMGT";
    private static final int UNIT_BITS = 10;

    /** {@return the device as text, from which {@link #parse} makes the same one} */
    String text() {
        return NAME + ':' + bytes;
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none; says what would be right
     */
    static ComputeDevice parse(String text) {
        Matcher match = FORM.matcher(text);
        if (!match.matches()) {
            throw new IllegalArgumentException("device '" + text
                    + "' is none that computes: write accelerator:SIZE with a whole number and K, M, G or T, such as"
                    + " accelerator:256M");
        }
        String unit = match.group(2).toUpperCase(Locale.ROOT);
        int shift = unit.isEmpty() ? 0 : UNIT_BITS * (UNITS.indexOf(unit) + 1);
        long number = Long.parseLong(match.group(1));
        if (number > AcceleratorBuilder.MAX_MEMORY_BYTES >> shift
                || number << shift < AcceleratorBuilder.MIN_MEMORY_BYTES
                || (number << shift & Page.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException(
                    "device '" + text + "': its size must be whole pages of " + Page.SIZE + " bytes, from 64K to 1T");
        }
        return new ComputeDevice(number << shift);
    }
}
