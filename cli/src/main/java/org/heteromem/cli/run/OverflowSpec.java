package org.heteromem.cli.run;

import java.util.Arrays;
import java.util.List;
import org.heteromem.cli.BadInputException;
import org.heteromem.devices.storage.StorageSpec;

/**
 * A device for what does not fit in RAM as the command line names it, {@code compressed:4G}.
 *
 * @param device its kind, with what it needs to know
 * @param bytes what it may hold
 */
public record OverflowSpec(String device, long bytes) {
    private static final List<String> PREFERRED = List.of("compressed", "ram");

    /**
     * Reads {@code KIND:SIZE}.
     *
     * @param option for the error, {@code --overflow} or where in a file it stands
     * @throws BadInputException if it is none
     */
    public static OverflowSpec parse(String option, String text) {
        StorageSpec spec;
        try {
            spec = StorageSpec.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadInputException(option + ": " + e.getMessage(), e);
        }
        return new OverflowSpec(text.substring(0, text.lastIndexOf(':')), spec.bytes());
    }

    /** {@return the kind that is used where none is named} */
    public static String defaultDevice() {
        List<String> kinds = Arrays.stream(StorageSpec.Kind.values())
                .map(StorageSpec.Kind::label)
                .toList();
        return PREFERRED.stream().filter(kinds::contains).findFirst().orElseThrow();
    }

    /** {@return a device of the default kind that has room for a number of bytes whatever is in them} */
    static OverflowSpec roomFor(long bytes) {
        long whole = (bytes / 4 * 5 + (1L << 20) - 1) & -(1L << 20);
        return new OverflowSpec(defaultDevice(), Math.max(StorageSpec.MIN_BYTES, whole));
    }

    @Override
    public String toString() {
        return device + ":" + Sizes.format(bytes);
    }
}
