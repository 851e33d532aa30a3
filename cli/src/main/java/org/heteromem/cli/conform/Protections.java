package org.heteromem.cli.conform;

import org.heteromem.core.Protection;
import org.jspecify.annotations.Nullable;

/** The short names of protections. */
final class Protections {
    private Protections() {}

    /** {@return the protection of a name, or null} */
    static @Nullable Protection of(String word) {
        return switch (word) {
            case "none" -> Protection.NONE;
            case "r" -> Protection.READ;
            case "rw" -> Protection.READ_WRITE;
            default -> null;
        };
    }
}
