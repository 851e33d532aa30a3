package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * The kernels of {@link Sort}. A record takes 16 bytes: the key, then the reference.
 *
 * <pre>
 *   0          8          16
 *   ┌──────────┬──────────┐
 *   │   key    │reference │
 *   └──────────┴──────────┘
 * </pre>
 */
final class SortKernels {
    static final int RECORD_BYTES = 16;

    /** Records in a run: 512 KiB, what a compute unit sorts in its local memory. */
    static final int RUN_RECORDS = 1 << 15;

    private SortKernels() {}

    /**
     * How records compare: by key, unsigned; then, if there is a text, by the bytes of the lines; then by reference.
     * No two records are equal.
     *
     * @param text address of the text that references point into
     * @param textBytes its length, 0 if there is none
     */
    record Order(long text, long textBytes) {
        boolean precedes(MemoryAccess memory, long keyA, long referenceA, long keyB, long referenceB) {
            if (keyA != keyB) {
                return Long.compareUnsigned(keyA, keyB) < 0;
            }
            for (long i = 0; textBytes != 0; i++) {
                int a = byteOfLine(memory, referenceA + i);
                int b = byteOfLine(memory, referenceB + i);
                if (a != b) {
                    return a < b;
                }
                if (a < 0) {
                    break;
                }
            }
            return referenceA < referenceB;
        }

        /** The byte as unsigned, or -1 at the end of the line. */
        private int byteOfLine(MemoryAccess memory, long offset) {
            if (offset == textBytes) {
                return -1;
            }
            byte value = memory.loadByte(text + offset);
            return value == '\n' ? -1 : value & 0xff;
        }
    }

    /**
     * Sorts each run of {@link #RUN_RECORDS} records in place.
     *
     * @param records address of the records
     * @param count how many there are
     * @param text address of the text
     * @param textBytes its length, 0 if there is none
     */
    record SortRuns(long records, int count, long text, long textBytes) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Order order = new Order(text, textBytes);
            Slice runs = Slice.of(Math.ceilDiv(count, RUN_RECORDS), unit, units);
            for (int run = runs.from(); run < runs.to(); run++) {
                int length = Math.min(RUN_RECORDS, count - run * RUN_RECORDS);
                long address = records + (long) RECORD_BYTES * RUN_RECORDS * run;
                long bytes = (long) RECORD_BYTES * length;
                long[] local = new long[2 * length];
                memory.read(address, MemorySegment.ofArray(local), 0, bytes);
                memory.write(address, MemorySegment.ofArray(sort(memory, order, local)), 0, bytes);
            }
        }

        /** Bottom-up merge sort in local memory; the result is in one of two arrays. */
        private static long[] sort(MemoryAccess memory, Order order, long[] records) {
            long[] from = records;
            long[] to = new long[records.length];
            for (int width = 2; width < records.length; width *= 2) {
                for (int low = 0; low < records.length; low += 2 * width) {
                    int middle = Math.min(low + width, records.length);
                    merge(memory, order, from, to, low, middle, Math.min(middle + width, records.length));
                }
                long[] swap = from;
                from = to;
                to = swap;
            }
            return from;
        }

        private static void merge(
                MemoryAccess memory, Order order, long[] from, long[] to, int low, int middle, int high) {
            int a = low;
            int b = middle;
            for (int out = low; out < high; out += 2) {
                boolean takeA =
                        a < middle && (b >= high || order.precedes(memory, from[a], from[a + 1], from[b], from[b + 1]));
                int source = takeA ? a : b;
                to[out] = from[source];
                to[out + 1] = from[source + 1];
                a += takeA ? 2 : 0;
                b += takeA ? 0 : 2;
            }
        }
    }

    /**
     * Merges neighbouring runs into runs of twice the length. Parties share the output, not the pairs of runs: each
     * finds by bisection which records of a pair come before its share (the merge path), so that the last level, one
     * pair, is parallel too.
     *
     * @param source address of the sorted runs
     * @param target address of the result
     * @param count how many records there are in all
     * @param runLength records in a run of the source
     * @param text address of the text
     * @param textBytes its length, 0 if there is none
     */
    record MergeRuns(long source, long target, int count, int runLength, long text, long textBytes) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice share = Slice.of(count, unit, units);
            for (long from = share.from(); from < share.to(); ) {
                long low = from / (2L * runLength) * (2L * runLength);
                long to = Math.min(share.to(), low + 2L * runLength);
                mergePair(memory, low, from - low, to - low);
                from = to;
            }
        }

        /** Writes records {@code from} to {@code to} of the pair of runs that begins at record {@code low}. */
        private void mergePair(MemoryAccess memory, long low, long from, long to) {
            Order order = new Order(text, textBytes);
            long middle = Math.min(low + runLength, count);
            long high = Math.min(middle + runLength, count);
            long a = low + before(memory, order, low, middle, high, from);
            long b = middle + from - (a - low);
            for (long out = low + from; out < low + to; out++) {
                boolean takeA = a < middle && (b >= high || precedes(memory, order, a, b));
                long record = takeA ? a++ : b++;
                memory.storeLong(address(target, out), memory.loadLong(address(source, record)));
                memory.storeLong(address(target, out) + 8, memory.loadLong(address(source, record) + 8));
            }
        }

        /** How many of the first {@code position} records of the merged pair come from its first run. */
        private long before(MemoryAccess memory, Order order, long low, long middle, long high, long position) {
            long least = Math.max(0, position - (high - middle));
            long most = Math.min(position, middle - low);
            while (least < most) {
                long guess = (least + most) >>> 1;
                if (precedes(memory, order, low + guess, middle + position - 1 - guess)) {
                    least = guess + 1;
                } else {
                    most = guess;
                }
            }
            return least;
        }

        private boolean precedes(MemoryAccess memory, Order order, long a, long b) {
            long addressA = address(source, a);
            long addressB = address(source, b);
            return order.precedes(
                    memory,
                    memory.loadLong(addressA),
                    memory.loadLong(addressA + 8),
                    memory.loadLong(addressB),
                    memory.loadLong(addressB + 8));
        }

        private static long address(long base, long record) {
            return base + RECORD_BYTES * record;
        }
    }
}
