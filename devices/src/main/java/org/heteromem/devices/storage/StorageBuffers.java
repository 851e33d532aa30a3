package org.heteromem.devices.storage;

import java.util.Arrays;

/**
 * Native memory for pages on their way, and what compresses them. Kept and used again, so that a page on its way allocates
 * nothing. Devices may share it: where they come and go it is used by the next ones, and not left to the garbage collector,
 * which does not hear of it before long. Thread-safe.
 */
public final class StorageBuffers {
    private final Staging staging = new Staging();
    private final PageCodec.Pool[] codecs =
            Arrays.stream(Compression.values()).map(PageCodec.Pool::new).toArray(PageCodec.Pool[]::new);

    /** Takes no memory yet. */
    public StorageBuffers() {}

    Staging staging() {
        return staging;
    }

    PageCodec.Pool codecs(Compression compression) {
        return codecs[compression.ordinal()];
    }
}
