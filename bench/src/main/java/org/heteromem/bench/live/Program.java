package org.heteromem.bench.live;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.natives.Mapping;

/**
 * A whole program in a JVM of its own: {@code Program hashjoin|wordcount MIB plain|anonymous|live:RAM_BYTES|file:PATH}. Prints how many
 * nanoseconds it took, getting and filling its memory included, and a digest of its result, which must not depend on where its
 * memory is.
 */
public final class Program {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final int PARTITION_BITS = 6;
    private static final int PARTITIONS = 1 << PARTITION_BITS;
    private static final int TUPLE = 2 * Long.BYTES;
    private static final int WORDS = 1 << 16;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private Program() {}

    /**
     * Runs it.
     *
     * @param arguments see above
     */
    public static void main(String[] arguments) throws IOException {
        long bytes = Long.parseLong(arguments[1]) << 20;
        String memory = arguments[2];
        if (memory.startsWith("live:")) {
            long ram = Long.parseLong(memory.substring("live:".length()));
            try (Heteromem managed = Heteromem.open(Options.ram(ram).overflow("compressed", 2 * bytes));
                    Arena arena = managed.arena()) {
                run(arguments[0], () -> arena.allocate(bytes, 1 << 21));
            }
        } else if (memory.startsWith("file:")) {
            Path path = Path.of(memory.substring("file:".length()));
            try (FileChannel file = FileChannel.open(
                            path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    Arena arena = Arena.ofShared()) {
                run(arguments[0], () -> file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena));
            } finally {
                Files.deleteIfExists(path);
            }
        } else if (memory.equals("anonymous")) {
            // What the system gives: zeroed by it alone, when it is touched.
            try (Mapping mapping = Mapping.anonymous(bytes)) {
                run(arguments[0], mapping::segment);
            }
        } else {
            try (Arena arena = Arena.ofShared()) {
                run(arguments[0], () -> arena.allocate(bytes, 1 << 21));
            }
        }
    }

    /** Where a program's memory comes from. */
    @FunctionalInterface
    private interface Source {
        MemorySegment get() throws IOException;
    }

    private static void run(String what, Source memory) throws IOException {
        // The methods are compiled before the clock starts: a small round first.
        try (Arena small = Arena.ofConfined()) {
            MemorySegment few = small.allocate(8 << 20, 1 << 21);
            job(what, few);
        }
        // Getting memory belongs to it: a plain arena touches every page then, others when the program does.
        long begin = System.nanoTime();
        long digest = job(what, memory.get());
        System.out.println("nanos=" + (System.nanoTime() - begin) + " digest=" + Long.toHexString(digest));
    }

    private static long job(String what, MemorySegment memory) {
        return what.equals("hashjoin") ? hashJoin(memory) : wordCount(memory);
    }

    private static long random(long state) {
        long x = state * MIX;
        x ^= x >>> 32;
        return x * 0xD6E8FEB86659FD93L;
    }

    /**
     * Joins two relations: a quarter of the memory is the one, a quarter the other; each is partitioned by its keys into
     * another quarter, and the tables of the partitions replace what was read. Keys meet once in two.
     */
    private static long hashJoin(MemorySegment memory) {
        long quarter = memory.byteSize() / 4 & -(1L << 16);
        MemorySegment left = memory.asSlice(0, quarter);
        MemorySegment right = memory.asSlice(quarter, quarter);
        MemorySegment leftParts = memory.asSlice(2 * quarter, quarter);
        MemorySegment rightParts = memory.asSlice(3 * quarter, quarter);
        long n = quarter / TUPLE;
        for (long i = 0; i < n; i++) {
            left.set(LONG, i * TUPLE, random(i) >>> 1);
            left.set(LONG, i * TUPLE + Long.BYTES, i);
            right.set(LONG, i * TUPLE, random(i * 2) >>> 1);
            right.set(LONG, i * TUPLE + Long.BYTES, i + n);
        }
        long[] leftEnds = partition(left, leftParts);
        long[] rightEnds = partition(right, rightParts);
        long digest = 0;
        long leftFrom = 0;
        long rightFrom = 0;
        for (int p = 0; p < PARTITIONS; p++) {
            digest += joinPartition(
                    leftParts.asSlice(leftFrom, leftEnds[p] - leftFrom),
                    rightParts.asSlice(rightFrom, rightEnds[p] - rightFrom),
                    left);
            leftFrom = leftEnds[p];
            rightFrom = rightEnds[p];
        }
        return digest;
    }

    private static int part(long key) {
        return (int) (key * MIX >>> (Long.SIZE - PARTITION_BITS));
    }

    /** {@return where each partition ends} */
    private static long[] partition(MemorySegment from, MemorySegment to) {
        long[] at = new long[PARTITIONS];
        for (long i = 0; i < from.byteSize(); i += TUPLE) {
            at[part(from.get(LONG, i))] += TUPLE;
        }
        long sum = 0;
        for (int p = 0; p < PARTITIONS; p++) {
            long size = at[p];
            at[p] = sum;
            sum += size;
        }
        for (long i = 0; i < from.byteSize(); i += TUPLE) {
            long key = from.get(LONG, i);
            int p = part(key);
            to.set(LONG, at[p], key);
            to.set(LONG, at[p] + Long.BYTES, from.get(LONG, i + Long.BYTES));
            at[p] += TUPLE;
        }
        return at;
    }

    private static long joinPartition(MemorySegment build, MemorySegment probe, MemorySegment room) {
        // A quarter to a half of them is in use.
        long slots = Long.highestOneBit(Math.max(1, build.byteSize() / TUPLE)) * 4;
        MemorySegment table = room.asSlice(0, slots * TUPLE);
        table.fill((byte) 0);
        long mask = slots - 1;
        for (long i = 0; i < build.byteSize(); i += TUPLE) {
            long key = build.get(LONG, i);
            long slot = (random(key) & mask) * TUPLE;
            while (table.get(LONG, slot + Long.BYTES) != 0) {
                slot = (slot + TUPLE) & (mask * TUPLE + TUPLE - 1);
            }
            table.set(LONG, slot, key);
            table.set(LONG, slot + Long.BYTES, build.get(LONG, i + Long.BYTES) + 1);
        }
        long digest = 0;
        for (long i = 0; i < probe.byteSize(); i += TUPLE) {
            long key = probe.get(LONG, i);
            long slot = (random(key) & mask) * TUPLE;
            for (long payload; (payload = table.get(LONG, slot + Long.BYTES)) != 0; ) {
                if (table.get(LONG, slot) == key) {
                    digest += payload * 31 + probe.get(LONG, i + Long.BYTES);
                    break;
                }
                slot = (slot + TUPLE) & (mask * TUPLE + TUPLE - 1);
            }
        }
        return digest;
    }

    /** Writes a text in which few words are frequent, then counts all words in a table: seven eighths text, the rest table. */
    private static long wordCount(MemorySegment memory) {
        long textBytes = memory.byteSize() / 8 * 7 & -Long.BYTES;
        MemorySegment text = memory.asSlice(0, textBytes);
        MemorySegment table = memory.asSlice(textBytes, Long.highestOneBit(memory.byteSize() - textBytes));
        write(text);
        long mask = table.byteSize() / TUPLE - 1;
        long hash = 0;
        long words = 0;
        for (long i = 0; i < textBytes; i++) {
            byte letter = text.get(ValueLayout.JAVA_BYTE, i);
            if (letter != ' ') {
                hash = hash * 31 + letter;
            } else if (hash != 0) {
                long slot = (hash * MIX >>> 20 & mask) * TUPLE;
                while (table.get(LONG, slot) != hash && table.get(LONG, slot) != 0) {
                    slot = (slot + TUPLE) & (mask * TUPLE + TUPLE - 1);
                }
                table.set(LONG, slot, hash);
                table.set(LONG, slot + Long.BYTES, table.get(LONG, slot + Long.BYTES) + 1);
                words++;
                hash = 0;
            }
        }
        long digest = words;
        for (long slot = 0; slot < table.byteSize(); slot += TUPLE) {
            digest += table.get(LONG, slot) * table.get(LONG, slot + Long.BYTES);
        }
        return digest;
    }

    private static void write(MemorySegment text) {
        long seed = 1;
        for (long i = 0; i < text.byteSize(); ) {
            seed = seed * 6364136223846793005L + 1442695040888963407L;
            // The square of an even number makes small words frequent.
            double even = (seed >>> 11) * 0x1p-53;
            long word = random((long) (even * even * even * WORDS) + 1) >>> 8;
            int length = 2 + (int) (word & 7);
            for (int k = 0; k < length && i < text.byteSize(); k++) {
                text.set(ValueLayout.JAVA_BYTE, i++, (byte) ('a' + (word >>> 3 + k * 5 & 15)));
            }
            if (i < text.byteSize()) {
                text.set(ValueLayout.JAVA_BYTE, i++, (byte) ' ');
            }
        }
    }
}
