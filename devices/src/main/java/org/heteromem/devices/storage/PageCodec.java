package org.heteromem.devices.storage;

import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.Decompressor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.zip.CRC32C;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * What one thread needs to compress and decompress pages: a codec, a page, and room for what comes out. Kept and used again,
 * so that a page on its way allocates nothing. Not thread-safe.
 */
final class PageCodec {
    private final Compressor compressor;
    private final Decompressor decompressor;
    private final MemorySegment page;
    private final MemorySegment packed;
    private final ByteBuffer pageBytes;
    private final ByteBuffer packedBytes;
    private final CRC32C crc = new CRC32C();

    private PageCodec(Compression compression) {
        this.compressor = compression.compressor();
        this.decompressor = compression.decompressor();
        Arena arena = Arena.ofAuto();
        int room = Math.max(Page.SIZE, compressor.maxCompressedLength(Page.SIZE));
        this.page = arena.allocate(Page.SIZE, PageStore.ALIGNMENT);
        this.packed = arena.allocate(room, PageStore.ALIGNMENT);
        this.pageBytes = page.asByteBuffer();
        this.packedBytes = packed.asByteBuffer();
    }

    /** {@return room for a page as it is} */
    MemorySegment page() {
        return page;
    }

    /** {@return room for a compressed page} */
    MemorySegment packed() {
        return packed;
    }

    /** {@return how many bytes a page has become} */
    int compress(MemorySegment source, long at) {
        return compressor.compress(source.asSlice(at, Page.SIZE), packed);
    }

    /** {@return whether the bytes were those of a whole page} */
    boolean decompress(int length) {
        try {
            return decompressor.decompress(packed.asSlice(0, length), page) == Page.SIZE;
        } catch (RuntimeException _) {
            // Whatever a codec says of bytes it did not write: they are no page.
            return false;
        }
    }

    int pageChecksum() {
        return checksum(pageBytes, Page.SIZE);
    }

    int packedChecksum(int length) {
        return checksum(packedBytes, length);
    }

    private int checksum(ByteBuffer bytes, int length) {
        crc.reset();
        bytes.limit(length).position(0);
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Idle codecs. Thread-safe; threads that find none make one more. */
    static final class Pool {
        private static final int KEPT = 64;

        private final Compression compression;
        private final AtomicReferenceArray<@Nullable PageCodec> idle = new AtomicReferenceArray<>(KEPT);

        Pool(Compression compression) {
            this.compression = compression;
        }

        Compression compression() {
            return compression;
        }

        PageCodec take() {
            for (int i = 0; i < KEPT; i++) {
                if (idle.getPlain(i) != null) {
                    PageCodec codec = idle.getAndSet(i, null);
                    if (codec != null) {
                        return codec;
                    }
                }
            }
            return new PageCodec(compression);
        }

        void give(PageCodec codec) {
            for (int i = 0; i < KEPT; i++) {
                if (idle.getPlain(i) == null && idle.compareAndSet(i, null, codec)) {
                    return;
                }
            }
        }
    }
}
