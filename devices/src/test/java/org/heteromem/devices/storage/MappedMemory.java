package org.heteromem.devices.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Memory that outlives its process: files, mapped. */
record MappedMemory(Path directory, Arena arena) implements StoreMemory {
    @Override
    public MemorySegment memory(String name, long bytes) {
        try (FileChannel file = FileChannel.open(
                directory.resolve(name),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.CREATE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
