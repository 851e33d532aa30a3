package org.heteromem.cli.run;

import org.heteromem.cli.BadInputException;
import org.heteromem.core.MemoryManager;

/**
 * A device as the command line names it, {@code accelerator:32M}.
 *
 * @param type its kind
 * @param bytes the size of its memory
 */
public record DeviceSpec(DeviceType type, long bytes) {
    /** The least memory of a device, in bytes: one block of the policies. */
    public static final long MIN_BYTES = 2L << 20;
    /** The most memory of a device, in bytes: what its emulation can describe. */
    public static final long MAX_BYTES = 256L << 30;
    /** What a run gets that names none. */
    public static final String DEFAULT = "accelerator:32M";

    private static final long PHYSICAL_LIMIT = 1L << MemoryManager.DEFAULT_PHYSICAL_ADDRESS_BITS;

    /**
     * Reads {@code KIND:SIZE}, or {@code KIND} alone for the default size.
     *
     * @throws BadInputException if there is no such kind, or the size is none or out of range
     */
    public static DeviceSpec parse(String text) {
        int colon = text.indexOf(':');
        DeviceType type = DeviceType.named(colon < 0 ? text : text.substring(0, colon));
        String size = colon < 0 ? DEFAULT.substring(DEFAULT.indexOf(':') + 1) : text.substring(colon + 1);
        long bytes = Sizes.parse("--device " + type.label(), size, MIN_BYTES, Long.MAX_VALUE);
        if (bytes > PHYSICAL_LIMIT) {
            throw new BadInputException("--device " + type.label() + ": " + size
                    + " is more than the machine's physical addresses can name, "
                    + Sizes.format(PHYSICAL_LIMIT) + " (" + MemoryManager.DEFAULT_PHYSICAL_ADDRESS_BITS
                    + " bits): make the device smaller");
        }
        if (bytes > MAX_BYTES) {
            throw new BadInputException("--device " + type.label() + ": " + size + " is out of range: from "
                    + Sizes.format(MIN_BYTES) + " to " + Sizes.format(MAX_BYTES));
        }
        return new DeviceSpec(type, bytes);
    }

    @Override
    public String toString() {
        return type.label() + ":" + Sizes.format(bytes);
    }
}
