package org.heteromem.cli.workload;

import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * The kernels of {@link HashJoin}. A relation is an array of tuples of 16 bytes, 64-bit key and 64-bit payload. The top
 * bits of a key's hash choose the partition, some more of them the bucket: the buckets of a partition are neighbours.
 *
 * <pre>
 *   hash   63        56            64-bucketBits              0
 *         ┌────────────┬─────────────────────┬────────────────┐
 *         │ partition  │                     │                │
 *         │ bucket ......................... │                │
 *         └────────────┴─────────────────────┴────────────────┘
 * </pre>
 */
final class HashJoinKernels {
    static final int TUPLE_BYTES = 16;
    static final int PARTITION_BITS = 8;
    static final int PARTITIONS = 1 << PARTITION_BITS;

    /** Pieces of a relation that are counted and scattered by one party each, however many units there are. */
    static final int CHUNKS = 32;

    /** An odd number near 2^64 divided by the golden ratio, which spreads neighbouring keys over the top bits. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private HashJoinKernels() {}

    static long hash(long key) {
        return key * GOLDEN;
    }

    static int partition(long key) {
        return (int) (hash(key) >>> (Long.SIZE - PARTITION_BITS));
    }

    static int bucket(long key, int bucketBits) {
        return (int) (hash(key) >>> (Long.SIZE - bucketBits));
    }

    static long tuple(long relation, int index) {
        return relation + (long) TUPLE_BYTES * index;
    }

    /** Address of a number of the matrix that holds, for each partition, one 32-bit number for each chunk. */
    static long cell(long matrix, int partition, int chunk) {
        return matrix + 4L * (partition * CHUNKS + chunk);
    }

    /**
     * Counts, for each chunk of a relation, the tuples of each partition.
     *
     * @param relation address of the tuples
     * @param count how many there are
     * @param matrix address of the counts, see {@link #cell}
     */
    record CountPartitions(long relation, int count, long matrix) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice chunks = Slice.of(CHUNKS, unit, units);
            for (int chunk = chunks.from(); chunk < chunks.to(); chunk++) {
                int[] counts = new int[PARTITIONS];
                Slice tuples = Slice.of(count, chunk, CHUNKS);
                for (int i = tuples.from(); i < tuples.to(); i++) {
                    counts[partition(memory.loadLong(tuple(relation, i)))]++;
                }
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    memory.storeInt(cell(matrix, partition, chunk), counts[partition]);
                }
            }
        }
    }

    /**
     * Writes the tuples of a relation ordered by partition, and within a partition as they were.
     *
     * @param relation address of the tuples
     * @param count how many there are
     * @param matrix address of the index at which each chunk's tuples of each partition begin, see {@link #cell}
     * @param result address of the result
     */
    record Scatter(long relation, int count, long matrix, long result) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice chunks = Slice.of(CHUNKS, unit, units);
            for (int chunk = chunks.from(); chunk < chunks.to(); chunk++) {
                int[] next = new int[PARTITIONS];
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    next[partition] = memory.loadInt(cell(matrix, partition, chunk));
                }
                Slice tuples = Slice.of(count, chunk, CHUNKS);
                for (int i = tuples.from(); i < tuples.to(); i++) {
                    long key = memory.loadLong(tuple(relation, i));
                    long target = tuple(result, next[partition(key)]++);
                    memory.storeLong(target, key);
                    memory.storeLong(target + 8, memory.loadLong(tuple(relation, i) + 8));
                }
            }
        }
    }

    /**
     * Links the tuples of some partitions into the chains of their buckets. An index is stored plus one, so that 0,
     * what fresh memory holds, ends a chain.
     *
     * @param relation address of the tuples, ordered by partition
     * @param matrix address of the partitions' begins, see {@link #cell}; one row more than there are partitions
     * @param heads address of the first index of each bucket
     * @param links address of the next index after each tuple
     * @param bucketBits the binary logarithm of the number of buckets
     * @param firstPartition the first partition
     * @param endPartition the partition after the last
     */
    record BuildTables(
            long relation, long matrix, long heads, long links, int bucketBits, int firstPartition, int endPartition)
            implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice mine = Slice.of(endPartition - firstPartition, unit, units);
            int begin = memory.loadInt(cell(matrix, firstPartition + mine.from(), 0));
            int end = memory.loadInt(cell(matrix, firstPartition + mine.to(), 0));
            for (int i = begin; i < end; i++) {
                long head = heads + 4L * bucket(memory.loadLong(tuple(relation, i)), bucketBits);
                memory.storeInt(links + 4L * i, memory.loadInt(head));
                memory.storeInt(head, i + 1);
            }
        }
    }
}
