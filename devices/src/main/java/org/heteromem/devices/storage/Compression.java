package org.heteromem.devices.storage;

import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.lz4.Lz4JavaCompressor;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.lz4.Lz4NativeCompressor;
import io.airlift.compress.v3.lz4.Lz4NativeDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdNativeCompressor;
import io.airlift.compress.v3.zstd.ZstdNativeDecompressor;
import java.util.Locale;

/**
 * How pages are compressed: by the native library that comes with aircompressor where it can be loaded, else in Java, which
 * takes about twice as long and writes the same format.
 */
public enum Compression {
    /** Quick; the default. */
    LZ4 {
        @Override
        public boolean isNative() {
            return Lz4NativeCompressor.isEnabled() && Lz4NativeDecompressor.isEnabled();
        }

        @Override
        Compressor compressor() {
            return isNative() ? new Lz4NativeCompressor() : new Lz4JavaCompressor();
        }

        @Override
        Decompressor decompressor() {
            return isNative() ? new Lz4NativeDecompressor() : new Lz4JavaDecompressor();
        }
    },
    /** Denser, and several times slower. */
    ZSTD {
        @Override
        public boolean isNative() {
            return ZstdNativeCompressor.isEnabled() && ZstdNativeDecompressor.isEnabled();
        }

        @Override
        Compressor compressor() {
            return isNative() ? new ZstdNativeCompressor(QUICKEST) : new ZstdJavaCompressor();
        }

        @Override
        Decompressor decompressor() {
            return isNative() ? new ZstdNativeDecompressor() : new ZstdJavaDecompressor();
        }
    };

    private static final int QUICKEST = 1;

    /** {@return the name that people write} */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** {@return whether native code does it} */
    public abstract boolean isNative();

    abstract Compressor compressor();

    abstract Decompressor decompressor();
}
