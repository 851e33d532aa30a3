package org.heteromem.live.interplay;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.Status;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.natives.Require;
import org.roaringbitmap.RoaringBitmap;
import org.roaringbitmap.buffer.BufferFastAggregation;
import org.roaringbitmap.buffer.ImmutableRoaringBitmap;

/**
 * What others have written, unchanged, on memory that is mostly not there: at least twice the RAM, several threads, a
 * collector that runs again and again, and results as on plain memory.
 */
enum Interplay {
    LUCENE_SEARCHES_AN_INDEX_IN_SEGMENTS {
        @Override
        void run(Heteromem memory) throws Exception {
            try (ByteBuffersDirectory plain = new ByteBuffersDirectory();
                    SegmentDirectory managed = new SegmentDirectory(memory::autoArena)) {
                LuceneIndex.write(plain, DOCUMENTS);
                LuceneIndex.write(managed, DOCUMENTS);
                Require.that(managed.bytes() >= 2 * RAM, "the index has " + managed.bytes() + " bytes");
                List<List<String>> found = inThreads(thread -> LuceneIndex.ask(managed, thread, QUESTIONS));
                for (int thread = 0; thread < THREADS; thread++) {
                    List<String> right = LuceneIndex.ask(plain, thread, QUESTIONS);
                    for (int i = 0; i < QUESTIONS; i++) {
                        Require.that(
                                right.get(i).equals(found.get(thread).get(i)),
                                "plain: " + right.get(i) + "\nmanaged: "
                                        + found.get(thread).get(i));
                    }
                }
            }
        }
    },
    ROARING_BITMAPS_LIE_IN_SEGMENTS {
        @Override
        void run(Heteromem memory) throws Exception {
            SplittableRandom random = new SplittableRandom(2);
            List<RoaringBitmap> plain = new ArrayList<>();
            List<ImmutableRoaringBitmap> managed = new ArrayList<>();
            long bytes = 0;
            try (Arena arena = memory.sharedArena()) {
                while (bytes < 3 * RAM) {
                    RoaringBitmap bitmap = bitmap(random);
                    MemorySegment segment = arena.allocate(bitmap.serializedSizeInBytes(), 8);
                    bitmap.serialize(segment.asByteBuffer());
                    plain.add(bitmap);
                    managed.add(new ImmutableRoaringBitmap(segment.asByteBuffer()));
                    bytes += segment.byteSize();
                }
                inThreads(thread -> {
                    SplittableRandom choice = new SplittableRandom(thread);
                    for (int i = 0; i < 60; i++) {
                        int a = choice.nextInt(plain.size());
                        int b = choice.nextInt(plain.size());
                        Require.that(
                                ImmutableRoaringBitmap.and(managed.get(a), managed.get(b))
                                        .toRoaringBitmap()
                                        .equals(RoaringBitmap.and(plain.get(a), plain.get(b))),
                                a + " and " + b);
                        Require.equal(
                                ImmutableRoaringBitmap.xorCardinality(managed.get(a), managed.get(b)),
                                RoaringBitmap.xorCardinality(plain.get(a), plain.get(b)),
                                "xor of " + a + " and " + b);
                        int rank = choice.nextInt(plain.get(a).getCardinality());
                        Require.equal(managed.get(a).select(rank), plain.get(a).select(rank), "select in " + a);
                    }
                    return thread;
                });
                RoaringBitmap all = new RoaringBitmap();
                plain.forEach(all::or);
                Require.that(
                        BufferFastAggregation.or(managed.iterator())
                                .toRoaringBitmap()
                                .equals(all),
                        "all together");
            }
        }
    },
    FILES_ARE_READ_INTO_SEGMENTS_AND_WRITTEN_OUT_OF_THEM {
        @Override
        void run(Heteromem memory) throws Exception {
            Path from = Files.createTempFile("interplay", ".from");
            Path to = Files.createTempFile("interplay", ".to");
            byte[] bytes = new byte[(int) (3 * RAM)];
            new SplittableRandom(3).nextBytes(bytes);
            Files.write(from, bytes);
            try (Arena arena = memory.sharedArena();
                    FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                    FileChannel out = FileChannel.open(to, StandardOpenOption.WRITE)) {
                MemorySegment segment = arena.allocate(bytes.length, 4096);
                inThreads(thread -> {
                    for (long at = thread * PIECE; at < bytes.length; at += THREADS * PIECE) {
                        MemorySegment piece = segment.asSlice(at, Math.min(PIECE, bytes.length - at));
                        move(memory, piece, in::read, at);
                    }
                    return thread;
                });
                Require.equal(segment.mismatch(MemorySegment.ofArray(bytes)), -1, "first wrong byte in memory");
                inThreads(thread -> {
                    for (long at = thread * PIECE; at < bytes.length; at += THREADS * PIECE) {
                        MemorySegment piece = segment.asSlice(at, Math.min(PIECE, bytes.length - at));
                        move(memory, piece, out::write, at);
                    }
                    return thread;
                });
                Require.equal(Files.mismatch(from, to), -1, "first wrong byte of the file");
            } finally {
                Files.delete(from);
                Files.delete(to);
            }
        }
    },
    SEGMENTS_ARE_COPIED {
        @Override
        void run(Heteromem memory) throws Exception {
            byte[] plain = new byte[(int) (2 * RAM)];
            SplittableRandom random = new SplittableRandom(4);
            random.nextBytes(plain);
            try (Arena arena = memory.sharedArena()) {
                MemorySegment managed = arena.allocate(plain.length, 8);
                MemorySegment.copy(plain, 0, managed, JAVA_BYTE, 0, plain.length);
                for (int i = 0; i < 200; i++) {
                    // Also onto themselves, and never along pages.
                    int count = random.nextInt(1 << 16);
                    int from = random.nextInt(plain.length - count);
                    int to = random.nextInt(plain.length - count);
                    System.arraycopy(plain, from, plain, to, count);
                    MemorySegment.copy(managed, from, managed, to, count);
                }
                MemorySegment second = arena.allocate(plain.length, 8).copyFrom(managed);
                Require.equal(managed.mismatch(second), -1, "first byte that was not copied");
                Require.that(Arrays.equals(second.toArray(JAVA_BYTE), plain), "the same as in an array");
            }
        }
    },
    VECTOR_LOOPS_RUN_OVER_SEGMENTS {
        @Override
        void run(Heteromem memory) throws Exception {
            int count = (int) (2 * RAM / Float.BYTES);
            float[] plain = new float[count];
            try (Arena arena = memory.sharedArena()) {
                MemorySegment x = arena.allocate(JAVA_FLOAT, count);
                MemorySegment y = arena.allocate(JAVA_FLOAT, count);
                for (int i = 0; i < count; i++) {
                    x.setAtIndex(JAVA_FLOAT, i, i % 1000);
                    y.setAtIndex(JAVA_FLOAT, i, i % 77);
                    plain[i] = i % 77;
                }
                for (int round = 1; round <= 3; round++) {
                    float a = round;
                    for (int i = 0; i < count; i++) {
                        plain[i] = Math.fma(a, i % 1000, plain[i]);
                    }
                    inThreads(thread -> {
                        int part = count / THREADS;
                        int end = thread == THREADS - 1 ? count : (thread + 1) * part;
                        VectorLoops.addScaled(x, a, y, thread * part, end);
                        return thread;
                    });
                }
                Require.that(Arrays.equals(y.toArray(JAVA_FLOAT), plain), "the same as in an array");
            }
        }
    },
    /** Until the input ends: for those who look at a process whose threads are in faults. */
    THREADS_FAULT_ALL_THE_TIME {
        @Override
        void run(Heteromem memory) throws Exception {
            try (Arena arena = memory.sharedArena()) {
                MemorySegment table = arena.allocate(8 * RAM, 4096);
                for (long at = 0; at < table.byteSize(); at += 4096) {
                    table.set(JAVA_LONG, at, at);
                }
                Thread input = Thread.ofPlatform().daemon().start(Interplay::awaitEndOfInput);
                System.out.println("faulting");
                inThreads(thread -> {
                    Thread.currentThread().setName("faulting-" + thread);
                    SplittableRandom random = new SplittableRandom(thread);
                    while (input.isAlive()) {
                        long at = random.nextLong(table.byteSize() / 4096) * 4096;
                        Require.equal(table.get(JAVA_LONG, at), at, "long at " + at);
                    }
                    return thread;
                });
            }
        }
    };

    static final long RAM = 4L << 20;
    static final int THREADS = 3;
    private static final int DOCUMENTS = 11_000;
    private static final int QUESTIONS = 60;
    private static final long PIECE = 64 << 10;

    abstract void run(Heteromem memory) throws Exception;

    /** A system call on a channel, at a position. */
    private interface Call {
        int move(ByteBuffer buffer, long position) throws IOException;
    }

    /** As anybody would; without the right to let a system call wait for a page, as the documentation says. */
    private static void move(Heteromem memory, MemorySegment piece, Call call, long position) throws IOException {
        ByteBuffer buffer = piece.asByteBuffer();
        while (buffer.hasRemaining()) {
            if (memory.tier() == Tier.FULL) {
                call.move(buffer, position + buffer.position());
            } else {
                memory.touch(piece, () -> call.move(buffer, position + buffer.position()));
            }
        }
    }

    private static RoaringBitmap bitmap(SplittableRandom random) {
        RoaringBitmap bitmap = new RoaringBitmap();
        int first = random.nextInt(1 << 20);
        for (int i = 0; i < 1 << 20; i += 1 + random.nextInt(8)) {
            bitmap.add(first + i);
        }
        bitmap.add(3L << 20, (3L << 20) + random.nextInt(1 << 18));
        return bitmap;
    }

    /** What one of several threads does. */
    private interface Part<T> {
        T run(int thread) throws Exception;
    }

    private static <T> List<T> inThreads(Part<T> part) throws Exception {
        List<Callable<T>> parts = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            int thread = t;
            parts.add(() -> part.run(thread));
        }
        List<T> results = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
            for (Future<T> future : executor.invokeAll(parts)) {
                results.add(future.get());
            }
        }
        return results;
    }

    private static void awaitEndOfInput() {
        try {
            System.in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs one, under a collector that runs again and again. Argument: its name. */
    static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws Exception {
            Thread.ofPlatform().daemon().name("collector").start(() -> {
                try {
                    for (; ; ) {
                        long began = System.nanoTime();
                        System.gc();
                        // Half of the time: on a busy machine there would be nothing else.
                        TimeUnit.NANOSECONDS.sleep(System.nanoTime() - began);
                    }
                } catch (InterruptedException _) {
                    Thread.currentThread().interrupt();
                }
            });
            try (Heteromem memory = Heteromem.open(Options.ram(RAM).overflow("compressed", 64L << 20))) {
                Interplay.valueOf(arguments[0]).run(memory);
                Status.Subject mine = memory.status().subjects().getLast();
                System.out.println("evictions " + mine.counters().get("evictions") + " faults "
                        + mine.counters().get("faults"));
            }
        }
    }
}
