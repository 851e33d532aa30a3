package org.heteromem.cli.workload;

import static org.heteromem.cli.workload.HashJoinKernels.CHUNKS;
import static org.heteromem.cli.workload.HashJoinKernels.PARTITIONS;
import static org.heteromem.cli.workload.HashJoinKernels.PARTITION_BITS;
import static org.heteromem.cli.workload.HashJoinKernels.bucket;
import static org.heteromem.cli.workload.HashJoinKernels.cell;
import static org.heteromem.cli.workload.HashJoinKernels.tuple;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.heteromem.cli.workload.HashJoinKernels.BuildTables;
import org.heteromem.cli.workload.HashJoinKernels.CountPartitions;
import org.heteromem.cli.workload.HashJoinKernels.Scatter;
import org.heteromem.core.MemoryAccess;

/**
 * A run of {@link HashJoin}: for each tuple of the larger relation, the sum of the payloads of the matching tuples of
 * the smaller one. Keys repeat, and about half of the larger relation finds no match.
 */
final class HashJoinJob implements WorkloadJob {
    private static final int GROUPS = 4;

    /** Tuples of the larger relation for one of the smaller. */
    private static final int PROBES_PER_BUILD = 2;

    /** Both relations twice, a link and two bucket heads a tuple of the smaller, a sum a tuple of the larger. */
    private static final int BYTES_PER_BUILD_TUPLE = 32 + 4 + 8 + PROBES_PER_BUILD * (32 + 8);

    private static final long MATRIX_BYTES = 4L * (PARTITIONS + 1) * CHUNKS;

    private final int builds;
    private final int probes;
    private final int bucketBits;

    /** The relations as pairs of key and payload; the payload of the larger is the tuple's index. */
    private final long[] buildInput;

    private final long[] probeInput;
    private long sums;
    private long matches;
    private long[] expectedSums = {};
    private long expectedMatches;

    HashJoinJob(int builds, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        this.builds = builds;
        this.probes = PROBES_PER_BUILD * builds;
        this.bucketBits = Math.max(PARTITION_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(builds - 1));
        this.buildInput = new long[2 * builds];
        for (int i = 0; i < builds; i++) {
            buildInput[2 * i] = random.nextLong(builds);
            buildInput[2 * i + 1] = random.nextLong();
        }
        this.probeInput = new long[2 * probes];
        for (int i = 0; i < probes; i++) {
            probeInput[2 * i] = random.nextLong(2L * builds);
            probeInput[2 * i + 1] = i;
        }
    }

    /** How many tuples of the smaller relation fill a working set. */
    static int buildTuplesIn(long workingSetBytes) {
        return (int) ((workingSetBytes - 2 * MATRIX_BYTES - 8) / BYTES_PER_BUILD_TUPLE);
    }

    @Override
    public String input() {
        return String.format(Locale.ROOT, "%,d tuples joined with %,d, %d partitions", builds, probes, PARTITIONS);
    }

    @Override
    public long workingSetBytes() {
        return 36L * builds + 40L * probes + (4L << bucketBits) + 2 * MATRIX_BYTES + 8;
    }

    @Override
    public void run(WorkloadContext context) {
        long build = context.allocate(16L * builds, "smaller relation");
        long probe = context.allocate(16L * probes, "larger relation");
        context.cpuParallel("load relations", (memory, thread, threads) -> {
            load(memory, Slice.of(builds, thread, threads), buildInput, build);
            load(memory, Slice.of(probes, thread, threads), probeInput, probe);
        });
        long buildMatrix = context.allocate(MATRIX_BYTES, "partitions of the smaller relation");
        long probeMatrix = context.allocate(MATRIX_BYTES, "partitions of the larger relation");
        long buildSorted = context.allocate(16L * builds, "smaller relation by partition");
        long probeSorted = context.allocate(16L * probes, "larger relation by partition");
        partition(context, build, builds, buildMatrix, buildSorted);
        context.progress(0.2);
        partition(context, probe, probes, probeMatrix, probeSorted);
        context.progress(0.4);
        long heads = context.allocate(4L << bucketBits, "buckets");
        long links = context.allocate(4L * builds, "chains");
        sums = context.allocate(8L * probes, "sums");
        matches = context.allocate(8, "matches");
        for (int group = 0; group < GROUPS; group++) {
            Slice part = Slice.of(PARTITIONS, group, GROUPS);
            context.accelerate(
                    "build hash tables",
                    new BuildTables(buildSorted, buildMatrix, heads, links, bucketBits, part.from(), part.to()));
            context.cpuParallel("probe hash tables", (memory, thread, threads) -> {
                Slice mine = Slice.of(part.to() - part.from(), thread, threads);
                int begin = memory.loadInt(cell(probeMatrix, part.from() + mine.from(), 0));
                int end = memory.loadInt(cell(probeMatrix, part.from() + mine.to(), 0));
                long found = 0;
                for (int i = begin; i < end; i++) {
                    found += probe(memory, tuple(probeSorted, i), buildSorted, heads, links);
                }
                memory.getAndAddLong(matches, found);
            });
            context.progress(0.4 + 0.6 * (group + 1) / GROUPS);
        }
    }

    private static void load(MemoryAccess memory, Slice tuples, long[] input, long relation) {
        long offset = 16L * tuples.from();
        memory.write(relation + offset, MemorySegment.ofArray(input), offset, 16L * tuples.to() - offset);
    }

    /** Orders a relation by partition; leaves in the matrix where each partition begins. */
    private static void partition(WorkloadContext context, long relation, int count, long matrix, long result) {
        context.accelerate("count partitions", new CountPartitions(relation, count, matrix));
        context.cpu("place partitions", memory -> addUp(memory, matrix));
        context.accelerate("scatter tuples", new Scatter(relation, count, matrix, result));
    }

    /** Replaces each count by the sum of the counts before it, and the row after the last by the sum of all. */
    private static void addUp(MemoryAccess memory, long matrix) {
        int sum = 0;
        for (long cell = matrix; cell < matrix + MATRIX_BYTES; cell += 4) {
            int count = memory.loadInt(cell);
            memory.storeInt(cell, sum);
            sum += count;
        }
    }

    /** Sums the payloads that match one tuple, and stores the sum where its payload says; how many there were. */
    private long probe(MemoryAccess memory, long probeTuple, long build, long heads, long links) {
        long key = memory.loadLong(probeTuple);
        long found = 0;
        long sum = 0;
        int next = memory.loadInt(heads + 4L * bucket(key, bucketBits));
        while (next != 0) {
            long buildTuple = tuple(build, next - 1);
            if (memory.loadLong(buildTuple) == key) {
                sum += memory.loadLong(buildTuple + 8);
                found++;
            }
            next = memory.loadInt(links + 4L * (next - 1));
        }
        memory.storeLong(sums + 8L * memory.loadLong(probeTuple + 8), sum);
        return found;
    }

    @Override
    public void runPlain() {
        Map<Long, long[]> sumAndCount = new HashMap<>();
        for (int i = 0; i < builds; i++) {
            long[] entry = sumAndCount.computeIfAbsent(buildInput[2 * i], _ -> new long[2]);
            entry[0] += buildInput[2 * i + 1];
            entry[1]++;
        }
        long[] plain = new long[probes];
        long found = 0;
        for (int i = 0; i < probes; i++) {
            long[] entry = sumAndCount.get(probeInput[2 * i]);
            if (entry != null) {
                plain[i] = entry[0];
                found += entry[1];
            }
        }
        expectedSums = plain;
        expectedMatches = found;
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(sums != 0 && expectedSums.length > 0);
        for (int i = 0; i < probes; i++) {
            check("sum of tuple " + i, sums + 8L * i, expectedSums[i], memory);
        }
        check("number of matches", matches, expectedMatches, memory);
    }

    private static void check(String what, long address, long expected, MemoryAccess memory) {
        long actual = memory.loadLong(address);
        if (actual != expected) {
            throw new WrongResultException(what, address, expected, actual);
        }
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(sums != 0);
        return List.of(String.format(Locale.ROOT, "%,d matching pairs", memory.loadLong(matches)));
    }
}
