package org.heteromem.bench;

import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import io.airlift.compress.v3.zstd.ZstdDecompressor;
import io.airlift.compress.v3.zstd.ZstdNativeCompressor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.devices.storage.StorageDevices;
import org.heteromem.devices.storage.StorageOptions;
import org.heteromem.devices.storage.StoreMemory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Pages to a storage device and home, 512 in a batch, beside the codec alone. What the store itself costs is {@code evict} to
 * the compressed device less {@code evict} to the one that stores pages as they are, less {@code compressAlone}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(StorageBenchmark.PAGES)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StorageBenchmark {
    static final int PAGES = Page.PER_BLOCK;
    private static final long BYTES = (long) PAGES * Page.SIZE;

    /** Records of which half the bytes are random: LZ4 takes about a third off. */
    private static void fill(MemorySegment pages) {
        SplittableRandom random = new SplittableRandom(1);
        for (long at = 0; at < pages.byteSize(); at += Long.BYTES) {
            pages.set(ValueLayout.JAVA_LONG, at, at % 64 < 40 ? random.nextInt(1000) : random.nextLong());
        }
    }

    /** The floor: a codec and its buffers. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // set up by JMH
    public static class Codec {
        /** Which codec. */
        @Param({"lz4", "zstd"})
        public String codec;

        private final Arena arena = Arena.ofShared();
        private final MemorySegment pages = arena.allocate(BYTES, Page.SIZE);
        private final MemorySegment packed = arena.allocate(2L * Page.SIZE, Page.SIZE);
        private final MemorySegment page = arena.allocate(Page.SIZE, Page.SIZE);
        private Compressor compressor;
        private Decompressor decompressor;
        private MemorySegment one;

        /** Makes them. */
        @Setup
        public void setUp() {
            fill(pages);
            boolean lz4 = codec.equals("lz4");
            compressor = lz4 ? Lz4Compressor.create() : new ZstdNativeCompressor(1);
            decompressor = lz4 ? Lz4Decompressor.create() : ZstdDecompressor.create();
            one = packed.asSlice(0, compressor.compress(pages.asSlice(0, Page.SIZE), packed));
        }

        /** Releases them. */
        @TearDown
        public void tearDown() {
            arena.close();
        }
    }

    /** The codec alone, out. */
    @Benchmark
    public int compressAlone(Codec state) {
        int sum = 0;
        for (long at = 0; at < BYTES; at += Page.SIZE) {
            sum += state.compressor.compress(state.pages.asSlice(at, Page.SIZE), state.packed);
        }
        return sum;
    }

    /** The codec alone, back. */
    @Benchmark
    public int decompressAlone(Codec state) {
        int sum = 0;
        for (int i = 0; i < PAGES; i++) {
            sum += state.decompressor.decompress(state.one, state.page);
        }
        return sum;
    }

    /** A machine with one device. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // set up by JMH
    public static class Device {
        /** Which device. */
        @Param({"ram:16M", "compressed:lz4:16M", "compressed:zstd:16M"})
        public String device;

        final Arena arena = Arena.ofShared();
        MemoryManager manager;
        AddressSpace space;
        StorageDevice storage;
        long address;

        /** Makes it. */
        @Setup
        public void setUp() {
            manager = MemoryManager.builder().node(16L << 20).build();
            space = manager.createAddressSpace();
            storage = StorageDevices.create(manager, device, StoreMemory.of(arena), StorageOptions.defaults());
            address = space.map(BYTES, Protection.READ_WRITE, Sharing.PRIVATE);
            MemorySegment pages = arena.allocate(BYTES, Page.SIZE);
            fill(pages);
            try (Cpu cpu = space.newCpu()) {
                cpu.write(address, pages, 0, BYTES);
            }
        }

        /** Releases it. */
        @TearDown
        public void tearDown() {
            manager.close();
            arena.close();
        }
    }

    /** All pages in RAM before each batch. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // set up by JMH
    public static class InRam extends Device {
        /** Sees to it. */
        @Setup(Level.Invocation)
        public void bringHome() {
            storage.fetch(space, address, BYTES);
        }
    }

    /** All pages on the device before each batch. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // set up by JMH
    public static class OnDevice extends Device {
        /** Sees to it. */
        @Setup(Level.Invocation)
        public void sendOut() {
            storage.evict(space, address, BYTES);
        }
    }

    /** RAM to device. */
    @Benchmark
    public long evict(InRam on) {
        return moved(on.storage.evict(on.space, on.address, BYTES));
    }

    /** Device to RAM. */
    @Benchmark
    public long fetch(OnDevice on) {
        return moved(on.storage.fetch(on.space, on.address, BYTES));
    }

    private static long moved(long pages) {
        if (pages != PAGES) {
            throw new IllegalStateException(pages + " pages moved instead of " + PAGES);
        }
        return pages;
    }
}
