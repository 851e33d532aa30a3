package org.heteromem.proof.world;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import org.heteromem.core.Page;
import org.heteromem.devices.storage.CompressedStore;
import org.heteromem.devices.storage.Compression;
import org.heteromem.devices.storage.FileStore;
import org.heteromem.devices.storage.PageStore;
import org.heteromem.devices.storage.RamStore;
import org.heteromem.devices.storage.StoreMemory;
import org.jspecify.annotations.Nullable;

/** What is left of a store after a sudden end: its memory, and its file. Used by one thread. */
final class ProofMedia implements StoreMemory, AutoCloseable {
    /** Pages in the store that is memory, and in that which is a file: few, so that they are full now and then. */
    private static final int RAM_PAGES = 6;

    private static final int FILE_PAGES = 16;
    private static final long COMPRESSED_BYTES = 1L << 20;
    /** In an index of words and in a file: the bytes in front of what belongs to the first page. */
    private static final long FRONT = 4096;
    /** In the word of a compressed page: that it has a slot, and in which 64 bytes that begins. */
    private static final int KIND_SHIFT = 62;

    private static final int SLOT = 1;
    private static final int SLOT_SHIFT = 25;
    private static final long SLOT_MASK = 0xFFFF_FFFFL;
    private static final int SLOT_UNIT_SHIFT = 6;
    /** Bytes in front of a compressed page's own. */
    private static final int SLOT_HEAD = 8;

    /** Where files cost no disk time, if there is such a place. */
    private static final Path FAST = Path.of("/dev/shm");

    private final int kind;
    private final Arena arena = Arena.ofConfined();
    private final Map<String, MemorySegment> segments = new TreeMap<>();
    private final @Nullable Path file;

    /** Makes what a new store needs; memory, a file, compressed memory in this order of kinds. */
    ProofMedia(int kind) {
        this.kind = kind;
        this.file = kind == 1 ? temporary() : null;
    }

    private static Path temporary() {
        try {
            return Files.isWritable(FAST)
                    ? Files.createTempFile(FAST, "heteromem-proof", ".pages")
                    : Files.createTempFile("heteromem-proof", ".pages");
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary file for a store", e);
        }
    }

    /** Whether clean pages that go home leave a copy: not in the smallest, which would be full of them. */
    boolean keepsCopies() {
        return kind != 0;
    }

    /** A store on it; its name is the same each time, by which it finds what was left. */
    PageStore open() {
        Path path = file;
        if (path != null) {
            return new FileStore("file", path, FILE_PAGES * (long) Page.SIZE, this);
        }
        return kind == 0
                ? new RamStore("ram", RAM_PAGES * (long) Page.SIZE, this)
                : new CompressedStore("compressed", COMPRESSED_BYTES, Compression.LZ4, this);
    }

    @Override
    public MemorySegment memory(String name, long bytes) {
        return segments.computeIfAbsent(name, n -> arena.allocate(bytes, PageStore.ALIGNMENT));
    }

    /** What a successor would find if everything ended now. */
    ProofMedia asLeftNow() {
        ProofMedia copy = new ProofMedia(kind);
        segments.forEach(
                (name, segment) -> copy.memory(name, segment.byteSize()).copyFrom(segment));
        if (file != null && copy.file != null) {
            try {
                Files.copy(file, copy.file, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot copy " + file, e);
            }
        }
        return copy;
    }

    /** Changes a byte of what is stored for a page; false where there is none to change, or nobody who would notice. */
    boolean damage(int slot) {
        Path path = file;
        if (path != null) {
            flip(path, FRONT + Page.address(slot));
            return true;
        }
        if (kind == 0) {
            return false;
        }
        long word = segment("compressed.index").get(ValueLayout.JAVA_LONG, FRONT + slot * (long) Long.BYTES);
        if (word >>> KIND_SHIFT != SLOT) {
            return false;
        }
        long at = ((word >>> SLOT_SHIFT & SLOT_MASK) << SLOT_UNIT_SHIFT) + SLOT_HEAD;
        MemorySegment slabs = segment("compressed.slabs");
        slabs.set(ValueLayout.JAVA_BYTE, at, (byte) ~slabs.get(ValueLayout.JAVA_BYTE, at));
        return true;
    }

    private MemorySegment segment(String name) {
        MemorySegment segment = segments.get(name);
        if (segment == null) {
            throw new IllegalStateException("no store has asked for " + name + ", but for " + segments.keySet());
        }
        return segment;
    }

    private static void flip(Path path, long at) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, at);
            channel.write(ByteBuffer.wrap(new byte[] {(byte) ~one.get(0)}), at);
            channel.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot damage " + path, e);
        }
    }

    @Override
    public void close() {
        arena.close();
        if (file != null) {
            try {
                Files.delete(file);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot delete " + file, e);
            }
        }
    }
}
