package org.heteromem.devices.storage;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A disk in memory that fails when it is told to. */
final class FailingMedium implements Medium {
    /** What a write or a read fails with; empty if it does not. */
    volatile String writeError = "";

    volatile String readError = "";
    private final byte[] bytes;

    FailingMedium(int size) {
        this.bytes = new byte[size];
    }

    @Override
    public void read(ByteBuffer buffer, long position) throws IOException {
        if (!readError.isEmpty()) {
            throw new IOException(readError);
        }
        buffer.put(bytes, (int) position, buffer.remaining());
    }

    @Override
    public void write(ByteBuffer buffer, long position) throws IOException {
        if (!writeError.isEmpty()) {
            throw new IOException(writeError);
        }
        buffer.get(bytes, (int) position, buffer.remaining());
    }

    @Override
    public void close() {}
}
