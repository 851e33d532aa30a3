package org.heteromem.live.keeper;

import java.util.List;
import org.heteromem.live.natives.Fd;

/**
 * Descriptors in custody.
 *
 * @param key what they are, unique; keys that begin with it and a slash belong to it and go with it
 * @param payload what a successor has to know about them
 * @param descriptors the descriptors, at most 16
 */
public record Item(String key, String payload, List<Fd> descriptors) {
    /** Most bytes of a key or of a payload. */
    static final int MAX_BYTES = 16 << 10;

    /** Checks the sizes. */
    public Item {
        descriptors = List.copyOf(descriptors);
        if (key.isEmpty() || key.length() > MAX_BYTES / 4 || payload.length() > MAX_BYTES / 4) {
            throw new IllegalArgumentException("an item with a key of " + key.length() + " characters and a payload of "
                    + payload.length() + " bytes cannot be held; the limit is " + MAX_BYTES);
        }
    }

    /** {@return whether an item can have a payload} */
    public static boolean fits(String payload) {
        return payload.length() <= MAX_BYTES / 4;
    }

    /** Whether this belongs to another item, or is it. */
    boolean belongsTo(String owner) {
        return key.equals(owner) || key.startsWith(owner + "/");
    }

    /** Closes its descriptors, as far as they are open; idempotent. */
    public void closeDescriptors() {
        descriptors.forEach(Fd::close);
    }
}
