package org.heteromem.cli.workload;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.heteromem.cli.workload.SortKernels.MergeRuns;
import org.heteromem.cli.workload.SortKernels.SortRuns;
import org.heteromem.core.MemoryAccess;

/** A run of {@link Sort}. Memory holds the records twice, merged from one copy into the other, and the text if any. */
final class SortJob implements WorkloadJob {
    /** What one record takes, in bytes, both copies. */
    static final int BYTES_PER_RECORD = 2 * SortKernels.RECORD_BYTES;

    private static final int MAX_SHOWN_BYTES = 60;

    private final SortInput records;
    private final int count;
    private long text;
    private long sorted;
    private int[] expected = {};

    SortJob(SortInput records) {
        this.records = records;
        this.count = records.count();
    }

    @Override
    public String input() {
        return records.textBytes() == 0
                ? String.format(Locale.ROOT, "%,d records with random 64-bit keys", count)
                : String.format(Locale.ROOT, "%,d lines of text, %,d bytes", count, records.textBytes());
    }

    @Override
    public long workingSetBytes() {
        return (long) BYTES_PER_RECORD * count + records.textBytes();
    }

    @Override
    public void run(WorkloadContext context) {
        long bytes = (long) SortKernels.RECORD_BYTES * count;
        int textBytes = records.textBytes();
        text = textBytes == 0 ? 0 : context.allocate(textBytes, "text");
        long source = context.allocate(bytes, "records");
        long target = context.allocate(bytes, "merged records");
        load(context, source);
        int levels = 0;
        for (long length = SortKernels.RUN_RECORDS; length < count; length *= 2) {
            levels++;
        }
        context.accelerate("sort runs", new SortRuns(source, count, text, textBytes));
        for (int level = 0; level < levels; level++) {
            context.progress((1.0 + level) / (1 + levels));
            int runLength = SortKernels.RUN_RECORDS << level;
            MergeRuns merge = new MergeRuns(source, target, count, runLength, text, textBytes);
            if (level % 2 == 0) {
                context.cpuParallel("merge on the CPU", merge::run);
            } else {
                context.accelerate("merge on the accelerator", merge);
            }
            long swap = source;
            source = target;
            target = swap;
        }
        sorted = source;
        context.progress(1);
    }

    private void load(WorkloadContext context, long target) {
        if (text != 0) {
            context.cpu(
                    "load text",
                    memory -> memory.write(text, MemorySegment.ofArray(records.text()), 0, records.textBytes()));
        }
        context.cpuParallel("load records", (memory, thread, threads) -> {
            Slice slice = Slice.of(count, thread, threads);
            for (int i = slice.from(); i < slice.to(); i++) {
                memory.storeLong(address(target, i), records.key(i));
                memory.storeLong(address(target, i) + 8, records.reference(i));
            }
        });
    }

    private static long address(long base, int record) {
        return base + (long) SortKernels.RECORD_BYTES * record;
    }

    @Override
    public void runPlain() {
        int[] from = new int[count];
        Arrays.setAll(from, i -> i);
        int[] to = new int[count];
        for (long width = 1; width < count; width *= 2) {
            for (long low = 0; low < count; low += 2 * width) {
                int middle = (int) Math.min(low + width, count);
                mergePlain(from, to, (int) low, middle, (int) Math.min(middle + width, count));
            }
            int[] swap = from;
            from = to;
            to = swap;
        }
        expected = from;
    }

    private void mergePlain(int[] from, int[] to, int low, int middle, int high) {
        int a = low;
        int b = middle;
        for (int out = low; out < high; out++) {
            boolean takeA = b >= high || (a < middle && records.compare(from[a], from[b]) < 0);
            to[out] = takeA ? from[a++] : from[b++];
        }
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(sorted != 0 && expected.length > 0);
        for (int i = 0; i < count; i++) {
            check("key of record ", i, address(sorted, i), records.key(expected[i]), memory);
            check("reference of record ", i, address(sorted, i) + 8, records.reference(expected[i]), memory);
        }
    }

    private static void check(String what, int record, long address, long expected, MemoryAccess memory) {
        long actual = memory.loadLong(address);
        if (actual != expected) {
            throw new WrongResultException(what + record, address, expected, actual);
        }
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(sorted != 0);
        return List.of("first: " + describe(memory, 0), "last:  " + describe(memory, count - 1));
    }

    private String describe(MemoryAccess memory, int record) {
        if (records.textBytes() == 0) {
            return String.format(Locale.ROOT, "%016x", memory.loadLong(address(sorted, record)));
        }
        long start = text + memory.loadLong(address(sorted, record) + 8);
        long end = Math.min(start + MAX_SHOWN_BYTES, text + records.textBytes());
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (long a = start; a < end && memory.loadByte(a) != '\n'; a++) {
            line.write(memory.loadByte(a));
        }
        return line.toString(StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?");
    }
}
