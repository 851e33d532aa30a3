package org.heteromem.devices.storage;

import java.io.IOException;
import java.nio.ByteBuffer;

/** What a {@link FileStore} reads and writes; whole, or not at all. Thread-safe on disjoint bytes. */
interface Medium extends AutoCloseable {
    /** Fills the buffer from a position. */
    void read(ByteBuffer buffer, long position) throws IOException;

    /** Writes the whole buffer to a position. */
    void write(ByteBuffer buffer, long position) throws IOException;

    @Override
    void close() throws IOException;
}
