package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * A run of {@link KMeans}. Memory holds the points, the cluster of each point, the centroids, the sums of each block of
 * points (coordinates and count for each cluster) and how many points changed their cluster in each iteration.
 */
final class KMeansJob implements WorkloadJob {
    private static final int DIMENSIONS = 8;
    private static final int CLUSTERS = 16;
    private static final int ITERATIONS = 4;
    private static final double SPREAD = 0.15;

    /** Points whose coordinates are added up by one party, so that sums do not depend on the number of threads. */
    private static final int BLOCK_POINTS = 8192;

    /** Doubles that a block's sums take: for each cluster its coordinates and the number of its points. */
    private static final int SUMS = CLUSTERS * (DIMENSIONS + 1);

    private static final long POINT_BYTES = 8L * DIMENSIONS + 4;

    private final int points;
    private final int blocks;
    private final double[] coordinates;
    private final double[] firstCentroids;

    private long clusterOf;
    private long centroids;
    private long moved;
    private int[] expectedClusters = {};
    private double[] expectedCentroids = {};
    private final long[] expectedMoved = new long[ITERATIONS];

    KMeansJob(int points, long seed) {
        this.points = points;
        this.blocks = Math.ceilDiv(points, BLOCK_POINTS);
        SplittableRandom random = new SplittableRandom(seed);
        double[] centres = random.doubles(CLUSTERS * DIMENSIONS).toArray();
        this.coordinates = new double[points * DIMENSIONS];
        for (int point = 0; point < points; point++) {
            int centre = random.nextInt(CLUSTERS);
            for (int d = 0; d < DIMENSIONS; d++) {
                double offset = (random.nextDouble() + random.nextDouble() - 1) * SPREAD;
                coordinates[point * DIMENSIONS + d] = centres[centre * DIMENSIONS + d] + offset;
            }
        }
        this.firstCentroids = Arrays.copyOf(coordinates, CLUSTERS * DIMENSIONS);
    }

    /** How many points fill a working set. */
    static int pointsIn(long workingSetBytes) {
        return (int) ((workingSetBytes - 8L * (CLUSTERS * DIMENSIONS + SUMS + ITERATIONS))
                * BLOCK_POINTS
                / (POINT_BYTES * BLOCK_POINTS + 8L * SUMS));
    }

    @Override
    public String input() {
        return String.format(
                Locale.ROOT,
                "%,d points of %d dimensions, %d clusters, %d iterations",
                points,
                DIMENSIONS,
                CLUSTERS,
                ITERATIONS);
    }

    @Override
    public long workingSetBytes() {
        return POINT_BYTES * points + 8L * (CLUSTERS * DIMENSIONS + (long) SUMS * blocks + ITERATIONS);
    }

    @Override
    public void run(WorkloadContext context) {
        long pointsAddress = context.allocate(8L * DIMENSIONS * points, "points");
        clusterOf = context.allocate(4L * points, "cluster of each point");
        centroids = context.allocate(8L * CLUSTERS * DIMENSIONS, "centroids");
        long sums = context.allocate(8L * SUMS * blocks, "sums by block");
        moved = context.allocate(8L * ITERATIONS, "moved points by iteration");
        context.cpuParallel("load points", (memory, thread, threads) -> {
            Slice slice = Slice.of(points, thread, threads);
            long offset = 8L * DIMENSIONS * slice.from();
            long bytes = 8L * DIMENSIONS * slice.to() - offset;
            memory.write(pointsAddress + offset, MemorySegment.ofArray(coordinates), offset, bytes);
        });
        context.cpu("first centroids", memory -> {
            memory.write(centroids, MemorySegment.ofArray(firstCentroids), 0, 8L * firstCentroids.length);
            for (int point = 0; point < points; point++) {
                memory.storeInt(clusterOf + 4L * point, -1);
            }
        });
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            context.progress((double) iteration / ITERATIONS);
            Kernel assign = new Assign(pointsAddress, clusterOf, centroids, moved + 8L * iteration, points);
            context.accelerate("assign points", assign);
            context.cpuParallel("sum blocks", (memory, thread, threads) -> {
                Slice mine = Slice.of(blocks, thread, threads);
                for (int block = mine.from(); block < mine.to(); block++) {
                    sumBlock(memory, block, pointsAddress, sums + 8L * SUMS * block);
                }
            });
            context.cpu("move centroids", memory -> moveCentroids(memory, sums));
        }
        context.progress(1);
    }

    /**
     * Assigns each point to its nearest centroid, the first of equally near ones, and counts the points that moved.
     *
     * @param points address of the coordinates
     * @param clusterOf address of the cluster of each point, 32 bits each
     * @param centroids address of the centroids' coordinates
     * @param moved address of the 64-bit counter of points that moved, which all units add to
     * @param count how many points
     */
    record Assign(long points, long clusterOf, long centroids, long moved, int count) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            double[] centres = new double[CLUSTERS * DIMENSIONS];
            for (int i = 0; i < centres.length; i++) {
                centres[i] = memory.loadDouble(centroids + 8L * i);
            }
            double[] point = new double[DIMENSIONS];
            long movedHere = 0;
            Slice slice = Slice.of(count, unit, units);
            for (int i = slice.from(); i < slice.to(); i++) {
                for (int d = 0; d < DIMENSIONS; d++) {
                    point[d] = memory.loadDouble(points + 8L * ((long) i * DIMENSIONS + d));
                }
                int cluster = nearest(point, centres);
                if (memory.loadInt(clusterOf + 4L * i) != cluster) {
                    memory.storeInt(clusterOf + 4L * i, cluster);
                    movedHere++;
                }
            }
            memory.getAndAddLong(moved, movedHere);
        }

        private static int nearest(double[] point, double[] centres) {
            int nearest = 0;
            double least = Double.POSITIVE_INFINITY;
            for (int cluster = 0; cluster < CLUSTERS; cluster++) {
                double distance = 0;
                for (int d = 0; d < DIMENSIONS; d++) {
                    double difference = point[d] - centres[cluster * DIMENSIONS + d];
                    distance += difference * difference;
                }
                if (distance < least) {
                    least = distance;
                    nearest = cluster;
                }
            }
            return nearest;
        }
    }

    private void sumBlock(MemoryAccess memory, int block, long pointsAddress, long sums) {
        double[] local = new double[SUMS];
        int end = Math.min(points, (block + 1) * BLOCK_POINTS);
        for (int point = block * BLOCK_POINTS; point < end; point++) {
            int base = memory.loadInt(clusterOf + 4L * point) * (DIMENSIONS + 1);
            for (int d = 0; d < DIMENSIONS; d++) {
                local[base + d] += memory.loadDouble(pointsAddress + 8L * ((long) point * DIMENSIONS + d));
            }
            local[base + DIMENSIONS]++;
        }
        for (int i = 0; i < SUMS; i++) {
            memory.storeDouble(sums + 8L * i, local[i]);
        }
    }

    /** Moves each centroid to the mean of its points; one without points stays where it is. */
    private void moveCentroids(MemoryAccess memory, long sums) {
        for (int cluster = 0; cluster < CLUSTERS; cluster++) {
            long first = sums + 8L * cluster * (DIMENSIONS + 1);
            double count = addBlocks(memory, first + 8L * DIMENSIONS);
            for (int d = 0; d < DIMENSIONS && count > 0; d++) {
                long coordinate = centroids + 8L * (cluster * DIMENSIONS + d);
                memory.storeDouble(coordinate, addBlocks(memory, first + 8L * d) / count);
            }
        }
    }

    private double addBlocks(MemoryAccess memory, long first) {
        double sum = 0;
        for (int block = 0; block < blocks; block++) {
            sum += memory.loadDouble(first + 8L * SUMS * block);
        }
        return sum;
    }

    @Override
    public void runPlain() {
        double[] centres = firstCentroids.clone();
        int[] clusters = new int[points];
        Arrays.fill(clusters, -1);
        Arrays.fill(expectedMoved, 0);
        double[] point = new double[DIMENSIONS];
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            double[] total = new double[SUMS];
            for (int from = 0; from < points; from += BLOCK_POINTS) {
                double[] part = new double[SUMS];
                for (int i = from; i < Math.min(points, from + BLOCK_POINTS); i++) {
                    System.arraycopy(coordinates, i * DIMENSIONS, point, 0, DIMENSIONS);
                    int nearest = Assign.nearest(point, centres);
                    expectedMoved[iteration] += nearest == clusters[i] ? 0 : 1;
                    clusters[i] = nearest;
                    for (int d = 0; d < DIMENSIONS; d++) {
                        part[clusters[i] * (DIMENSIONS + 1) + d] += point[d];
                    }
                    part[clusters[i] * (DIMENSIONS + 1) + DIMENSIONS]++;
                }
                for (int i = 0; i < SUMS; i++) {
                    total[i] += part[i];
                }
            }
            for (int i = 0; i < centres.length; i++) {
                int base = i / DIMENSIONS * (DIMENSIONS + 1);
                if (total[base + DIMENSIONS] > 0) {
                    centres[i] = total[base + i % DIMENSIONS] / total[base + DIMENSIONS];
                }
            }
        }
        expectedClusters = clusters;
        expectedCentroids = centres;
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(clusterOf != 0 && expectedClusters.length > 0);
        for (int point = 0; point < points; point++) {
            long address = clusterOf + 4L * point;
            int actual = memory.loadInt(address);
            if (actual != expectedClusters[point]) {
                throw new WrongResultException("cluster of point " + point, address, expectedClusters[point], actual);
            }
        }
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            long address = moved + 8L * iteration;
            long actual = memory.loadLong(address);
            if (actual != expectedMoved[iteration]) {
                String what = "number of points moved in iteration " + iteration;
                throw new WrongResultException(what, address, expectedMoved[iteration], actual);
            }
        }
        for (int i = 0; i < expectedCentroids.length; i++) {
            long address = centroids + 8L * i;
            double actual = memory.loadDouble(address);
            if (Results.differ(expectedCentroids[i], actual)) {
                String what = "coordinate " + i % DIMENSIONS + " of centroid " + i / DIMENSIONS;
                throw new WrongResultException(what, address, expectedCentroids[i], actual);
            }
        }
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(clusterOf != 0);
        int[] sizes = new int[CLUSTERS];
        for (int point = 0; point < points; point++) {
            sizes[memory.loadInt(clusterOf + 4L * point)]++;
        }
        return List.of(
                "cluster sizes: "
                        + IntStream.of(sizes).mapToObj(Integer::toString).collect(Collectors.joining(" ")),
                "points moved in the last iteration: " + memory.loadLong(moved + 8L * (ITERATIONS - 1)));
    }
}
