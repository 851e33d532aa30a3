package org.heteromem.devices.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import java.util.zip.CRC32C;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * Pages in a file on a disk. Neighbours are written and read in one operation; every page that is read is checked against
 * a checksum, which survives in a {@link StoreMemory} while the bytes survive in the file.
 *
 * <p>The word of a page is its CRC32C with a mark of the page's number, and is set after its bytes are written. Contents that
 * are written over are nobody's in between: a sudden end then leaves the page without contents, never with wrong ones. The
 * driver never writes over contents. Thread-safe on disjoint pages.
 */
public final class FileStore implements PageStore {
    private static final long KIND = 0xF11EL << 44;

    private final String name;
    private final String place;
    private final Medium medium;
    private final long byteSize;
    private final PageWords sums;
    private final Staging staging;
    private final AtomicLong pagesHeld = new AtomicLong();

    /**
     * Opens a store.
     *
     * @param name its name
     * @param path the file, which is made if it does not exist; another program's file is refused
     * @param bytes how many bytes of pages it may hold, a positive multiple of the page size
     * @param port where the checksums are kept
     * @throws StorageIoException if the file cannot be used, saying why and what to do
     */
    public FileStore(String name, Path path, long bytes, StoreMemory port) {
        this(name, path, bytes, port, new StorageBuffers());
    }

    FileStore(String name, Path path, long bytes, StoreMemory port, StorageBuffers buffers) {
        this(name, PageFile.open(name, path, bytes), path.toString(), bytes, port, buffers);
    }

    FileStore(String name, Medium medium, String place, long bytes, StoreMemory port, StorageBuffers buffers) {
        this.staging = buffers.staging();
        this.name = name;
        this.place = place;
        this.medium = medium;
        this.byteSize = bytes;
        this.sums = new PageWords(name, "checksums", Page.of(bytes), KIND | Page.of(bytes), port);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        String how = medium instanceof PageFile file && file.direct()
                ? "direct input and output"
                : "buffered by the system, as the file system does not do direct input and output";
        return name + ": up to " + byteSize + " bytes of pages in " + place + ", " + how;
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public long chunkBytes() {
        return Staging.BYTES;
    }

    @Override
    public @Nullable MemorySegment segment(long offset) {
        return null;
    }

    @Override
    public long bytesUsed() {
        return pagesHeld.get() * Page.SIZE;
    }

    @Override
    public long capacityBytes() {
        return byteSize;
    }

    // ---- checksums ---------------------------------------------------------------------------------------------

    /** The word of a page with contents; never 0. */
    private static long word(long page, CRC32C crc) {
        return (crc.getValue() << Integer.SIZE) | ((page * 0x9E37_79B9L + crc.getValue()) & 0x7FFF_FFFFL) << 1 | 1;
    }

    private static long word(long page, ByteBuffer bytes, int at, CRC32C crc) {
        crc.reset();
        crc.update(bytes.limit(at + Page.SIZE).position(at));
        return word(page, crc);
    }

    private void set(long page, long word) {
        long old = sums.get(page);
        if (old != word) {
            sums.set(page, word);
            pagesHeld.addAndGet((word == 0 ? 0 : 1) - (old == 0 ? 0 : 1));
        }
    }

    // ---- writing and reading -----------------------------------------------------------------------------------

    private static boolean aligned(MemorySegment segment, long offset) {
        return segment.isNative() && ((segment.address() + offset) & (ALIGNMENT - 1)) == 0;
    }

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        if (aligned(source, sourceOffset)) {
            for (long done = 0; done < bytes; done += Staging.BYTES) {
                long part = Math.min(Staging.BYTES, bytes - done);
                writeAll(offset + done, source.asSlice(sourceOffset + done, part));
            }
            return;
        }
        MemorySegment buffer = staging.take();
        try {
            for (long done = 0; done < bytes; done += Staging.BYTES) {
                long part = Math.min(Staging.BYTES, bytes - done);
                MemorySegment.copy(source, sourceOffset + done, buffer, 0, part);
                writeAll(offset + done, buffer.asSlice(0, part));
            }
        } finally {
            staging.give(buffer);
        }
    }

    private void writeAll(long offset, MemorySegment source) {
        discard(offset, source.byteSize());
        ByteBuffer bytes = source.asByteBuffer();
        try {
            medium.write(bytes, PageFile.FRONT_BYTES + offset);
        } catch (IOException e) {
            throw cannotWrite(offset, source.byteSize(), e);
        }
        CRC32C crc = new CRC32C();
        for (int at = 0; at < source.byteSize(); at += Page.SIZE) {
            long page = Page.of(offset + at);
            set(page, word(page, bytes, at, crc));
        }
    }

    private StorageException cannotWrite(long offset, long bytes, IOException e) {
        String said = String.valueOf(e.getMessage());
        if (said.contains("No space left") || said.contains("quota exceeded")) {
            return new StorageFullException(
                    name, offset, "the disk of " + place + " is full (" + said + "); make room on it", e);
        }
        return new StorageIoException(
                name, offset, "cannot write " + bytes + " bytes to " + place + ": " + said + "; check the disk", e);
    }

    @Override
    public void zero(long offset, long bytes) {
        MemorySegment buffer = staging.take();
        try {
            long part = Math.min(bytes, Staging.BYTES);
            buffer.asSlice(0, part).fill((byte) 0);
            for (long done = 0; done < bytes; done += part) {
                writeAll(offset + done, buffer.asSlice(0, Math.min(part, bytes - done)));
            }
        } finally {
            staging.give(buffer);
        }
    }

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        if (aligned(target, targetOffset)) {
            for (long done = 0; done < bytes; done += Staging.BYTES) {
                long part = Math.min(Staging.BYTES, bytes - done);
                readAll(offset + done, target.asSlice(targetOffset + done, part));
            }
            return;
        }
        MemorySegment buffer = staging.take();
        try {
            for (long done = 0; done < bytes; done += Staging.BYTES) {
                long part = Math.min(Staging.BYTES, bytes - done);
                readAll(offset + done, buffer.asSlice(0, part));
                MemorySegment.copy(buffer, 0, target, targetOffset + done, part);
            }
        } finally {
            staging.give(buffer);
        }
    }

    private void readAll(long offset, MemorySegment target) {
        for (long at = 0; at < target.byteSize(); at += Page.SIZE) {
            if (sums.get(Page.of(offset + at)) == 0) {
                throw new CorruptPageException(name, offset + at, "nothing is stored for it");
            }
        }
        ByteBuffer bytes = target.asByteBuffer();
        try {
            medium.read(bytes, PageFile.FRONT_BYTES + offset);
        } catch (IOException e) {
            throw new StorageIoException(
                    name,
                    offset,
                    "cannot read " + target.byteSize() + " bytes from " + place + ": " + e.getMessage()
                            + "; check the disk",
                    e);
        }
        CRC32C crc = new CRC32C();
        for (int at = 0; at < target.byteSize(); at += Page.SIZE) {
            long page = Page.of(offset + at);
            long found = word(page, bytes, at, crc);
            if (found != sums.get(page)) {
                throw new CorruptPageException(
                        name,
                        offset + at,
                        "what " + place + " holds has checksum 0x" + Long.toHexString(crc.getValue())
                                + ", not that of what was written");
            }
        }
    }

    @Override
    public void discard(long offset, long bytes) {
        for (long done = 0; done < bytes; done += Page.SIZE) {
            set(Page.of(offset + done), 0);
        }
    }

    @Override
    public boolean isSynchronous() {
        return false;
    }

    @Override
    public boolean holds(long offset) {
        return sums.get(Page.of(offset)) != 0;
    }

    @Override
    public long recover(LongPredicate used) {
        // Bytes are checked when they are read; nothing has to be built again.
        long kept = sums.recover(used, (_, _) -> true);
        pagesHeld.set(kept);
        return kept;
    }

    /** Closes the file and leaves it there; the checksums belong to whoever gave their memory. */
    @Override
    public void close() {
        try {
            medium.close();
        } catch (IOException e) {
            throw new UncheckedIOException("device '" + name + "': cannot close " + place + ": " + e.getMessage(), e);
        }
    }
}
