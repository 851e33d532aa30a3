package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * A run of {@link PageRank}. Memory holds the edges, the in-edges of each node as a compressed sparse row, and two
 * matrices of one row a node and one column a teleport target: {@code ranks}, which the accelerator writes and the CPU
 * reads, and {@code contributions} (rank divided by out-degree), the other way round.
 */
final class PageRankJob implements WorkloadJob {
    private static final int ITERATIONS = 8;
    private static final double DAMPING = 0.85;
    private static final int TOP = 10;

    /** Rows whose dangling ranks are added up by one party, so that sums do not depend on the number of threads. */
    private static final int BLOCK_ROWS = 1024;

    private final EdgeList graph;
    private final int nodes;
    private final int columns;
    private final int blocks;

    /** The teleport target of each column; that of column 0 stands for all nodes and is not used. */
    private final int[] targets;

    private long ranks;
    private double[] expected = {};

    PageRankJob(EdgeList graph, int columns, long seed) {
        this.graph = graph;
        this.nodes = graph.nodes();
        this.columns = columns;
        this.blocks = Math.ceilDiv(nodes, BLOCK_ROWS);
        this.targets = new SplittableRandom(seed).ints(columns, 0, nodes).toArray();
    }

    /** What the graph itself takes, in bytes. */
    static long graphBytes(EdgeList graph) {
        return 12L * graph.edges() + 8L * graph.nodes() + 4;
    }

    /** What one column takes, in bytes. */
    static long columnBytes(EdgeList graph) {
        return 16L * graph.nodes() + 8L * Math.ceilDiv(graph.nodes(), BLOCK_ROWS) + 12;
    }

    @Override
    public String input() {
        return String.format(
                Locale.ROOT,
                "%,d nodes, %,d edges, %d columns of ranks, %d iterations",
                nodes,
                graph.edges(),
                columns,
                ITERATIONS);
    }

    @Override
    public long workingSetBytes() {
        return graphBytes(graph) + columns * columnBytes(graph);
    }

    @Override
    public void run(WorkloadContext context) {
        int edges = graph.edges();
        long edgeList = context.allocate(8L * edges, "edges");
        long rowStarts = context.allocate(4L * (nodes + 1), "in-edge row starts");
        long rowSources = context.allocate(4L * edges, "in-edge sources");
        long outDegrees = context.allocate(4L * nodes, "out-degrees");
        long contributions = context.allocate(8L * nodes * columns, "contributions");
        ranks = context.allocate(8L * nodes * columns, "ranks");
        long partials = context.allocate(8L * blocks * columns, "dangling ranks by block");
        long dangling = context.allocate(8L * columns, "dangling ranks");
        long teleports = context.allocate(4L * columns, "teleport targets");

        context.cpu("load edges", memory -> {
            memory.write(edgeList, MemorySegment.ofArray(edgePairs()), 0, 8L * edges);
            memory.write(teleports, MemorySegment.ofArray(targets), 0, 4L * columns);
        });
        context.cpu("build rows", memory -> buildRows(memory, edgeList, rowStarts, rowSources, outDegrees));
        context.cpuParallel("first ranks", (memory, thread, threads) -> {
            Slice rows = Slice.of(nodes, thread, threads);
            for (int node = rows.from(); node < rows.to(); node++) {
                for (int column = 0; column < columns; column++) {
                    memory.storeDouble(rank(node, column), firstRank(node, column));
                }
            }
        });
        Kernel pull = new PullRanks(
                rowStarts, rowSources, contributions, ranks, dangling, teleports, nodes, columns, DAMPING);
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            context.progress((double) iteration / ITERATIONS);
            context.cpuParallel("normalise", (memory, thread, threads) -> {
                Slice mine = Slice.of(blocks, thread, threads);
                for (int block = mine.from(); block < mine.to(); block++) {
                    normaliseBlock(memory, block, outDegrees, contributions, partials);
                }
            });
            context.cpu("dangling ranks", memory -> addPartials(memory, partials, dangling));
            context.accelerate("pull ranks", pull);
        }
        context.progress(1);
    }

    private int[] edgePairs() {
        int[] pairs = new int[2 * graph.edges()];
        for (int edge = 0; edge < graph.edges(); edge++) {
            pairs[2 * edge] = graph.source(edge);
            pairs[2 * edge + 1] = graph.target(edge);
        }
        return pairs;
    }

    /** Counts degrees, makes row starts of the in-degrees, and places each edge's source in its target's row. */
    private void buildRows(MemoryAccess memory, long edgeList, long rowStarts, long rowSources, long outDegrees) {
        int edges = graph.edges();
        for (int edge = 0; edge < edges; edge++) {
            long out = outDegrees + 4L * memory.loadInt(edgeList + 8L * edge);
            memory.storeInt(out, memory.loadInt(out) + 1);
            long in = rowStarts + 4L * memory.loadInt(edgeList + 8L * edge + 4);
            memory.storeInt(in, memory.loadInt(in) + 1);
        }
        int end = 0;
        for (int node = 0; node <= nodes; node++) {
            end += memory.loadInt(rowStarts + 4L * node);
            memory.storeInt(rowStarts + 4L * node, end);
        }
        // Filling each row from its end turns the row ends into row starts and, backwards over the edges, keeps order.
        for (int edge = edges - 1; edge >= 0; edge--) {
            long row = rowStarts + 4L * memory.loadInt(edgeList + 8L * edge + 4);
            int slot = memory.loadInt(row) - 1;
            memory.storeInt(row, slot);
            memory.storeInt(rowSources + 4L * slot, memory.loadInt(edgeList + 8L * edge));
        }
    }

    private double firstRank(int node, int column) {
        if (column == 0) {
            return 1.0 / nodes;
        }
        return node == targets[column] ? 1.0 : 0.0;
    }

    private long rank(int node, int column) {
        return ranks + 8L * ((long) node * columns + column);
    }

    /** Divides the ranks of a block's rows by their out-degrees, and adds up those of nodes that lead nowhere. */
    private void normaliseBlock(MemoryAccess memory, int block, long outDegrees, long contributions, long partials) {
        double[] sums = new double[columns];
        int end = Math.min(nodes, (block + 1) * BLOCK_ROWS);
        for (int node = block * BLOCK_ROWS; node < end; node++) {
            int degree = memory.loadInt(outDegrees + 4L * node);
            long row = 8L * node * columns;
            for (int column = 0; column < columns; column++) {
                double rank = memory.loadDouble(ranks + row + 8L * column);
                if (degree == 0) {
                    sums[column] += rank;
                } else {
                    memory.storeDouble(contributions + row + 8L * column, rank / degree);
                }
            }
        }
        for (int column = 0; column < columns; column++) {
            memory.storeDouble(partials + 8L * ((long) block * columns + column), sums[column]);
        }
    }

    private void addPartials(MemoryAccess memory, long partials, long dangling) {
        for (int column = 0; column < columns; column++) {
            double sum = 0;
            for (int block = 0; block < blocks; block++) {
                sum += memory.loadDouble(partials + 8L * ((long) block * columns + column));
            }
            memory.storeDouble(dangling + 8L * column, sum);
        }
    }

    /**
     * One iteration: each node's rank becomes its share of teleports plus the damped contributions of its in-edges.
     * Rank that dangles (on nodes without out-edges) teleports, so that each column keeps the sum 1.
     */
    record PullRanks(
            long rowStarts,
            long rowSources,
            long contributions,
            long ranks,
            long dangling,
            long teleports,
            int nodes,
            int columns,
            double damping)
            implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            double[] jumps = new double[columns];
            int[] targets = new int[columns];
            for (int column = 0; column < columns; column++) {
                jumps[column] = 1 - damping + damping * memory.loadDouble(dangling + 8L * column);
                targets[column] = memory.loadInt(teleports + 4L * column);
            }
            double[] sums = new double[columns];
            Slice rows = Slice.of(nodes, unit, units);
            for (int node = rows.from(); node < rows.to(); node++) {
                Arrays.fill(sums, 0);
                int end = memory.loadInt(rowStarts + 4L * (node + 1));
                for (int edge = memory.loadInt(rowStarts + 4L * node); edge < end; edge++) {
                    long source = contributions + 8L * memory.loadInt(rowSources + 4L * edge) * columns;
                    for (int column = 0; column < columns; column++) {
                        sums[column] += memory.loadDouble(source + 8L * column);
                    }
                }
                long row = ranks + 8L * node * columns;
                memory.storeDouble(row, jumps[0] / nodes + damping * sums[0]);
                for (int column = 1; column < columns; column++) {
                    double jump = node == targets[column] ? jumps[column] : 0;
                    memory.storeDouble(row + 8L * column, jump + damping * sums[column]);
                }
            }
        }
    }

    @Override
    public void runPlain() {
        int[] outDegrees = new int[nodes];
        int[] starts = new int[nodes + 1];
        for (int edge = 0; edge < graph.edges(); edge++) {
            outDegrees[graph.source(edge)]++;
            starts[graph.target(edge) + 1]++;
        }
        for (int node = 0; node < nodes; node++) {
            starts[node + 1] += starts[node];
        }
        int[] next = starts.clone();
        int[] sources = new int[graph.edges()];
        for (int edge = 0; edge < graph.edges(); edge++) {
            sources[next[graph.target(edge)]++] = graph.source(edge);
        }
        double[] plain = new double[nodes * columns];
        for (int node = 0; node < nodes; node++) {
            for (int column = 0; column < columns; column++) {
                plain[node * columns + column] = firstRank(node, column);
            }
        }
        double[] shares = new double[nodes * columns];
        double[] sums = new double[columns];
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            double[] jumps = plainDangling(plain, outDegrees);
            for (int column = 0; column < columns; column++) {
                jumps[column] = 1 - DAMPING + DAMPING * jumps[column];
            }
            for (int i = 0; i < shares.length; i++) {
                shares[i] = plain[i] / Math.max(1, outDegrees[i / columns]);
            }
            for (int node = 0; node < nodes; node++) {
                Arrays.fill(sums, 0);
                for (int edge = starts[node]; edge < starts[node + 1]; edge++) {
                    for (int column = 0; column < columns; column++) {
                        sums[column] += shares[sources[edge] * columns + column];
                    }
                }
                for (int column = 0; column < columns; column++) {
                    double jump = column == 0 ? jumps[0] / nodes : node == targets[column] ? jumps[column] : 0;
                    plain[node * columns + column] = jump + DAMPING * sums[column];
                }
            }
        }
        expected = plain;
    }

    /** Sums of dangling ranks, block by block as the run adds them, because floating-point sums depend on the order. */
    private double[] plainDangling(double[] plain, int[] outDegrees) {
        double[] dangling = new double[columns];
        for (int column = 0; column < columns; column++) {
            for (int block = 0; block < blocks; block++) {
                double sum = 0;
                for (int node = block * BLOCK_ROWS; node < Math.min(nodes, (block + 1) * BLOCK_ROWS); node++) {
                    if (outDegrees[node] == 0) {
                        sum += plain[node * columns + column];
                    }
                }
                dangling[column] += sum;
            }
        }
        return dangling;
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(ranks != 0 && expected.length > 0);
        for (int i = 0; i < expected.length; i++) {
            long address = ranks + 8L * i;
            double actual = memory.loadDouble(address);
            if (Results.differ(expected[i], actual)) {
                String what = "rank of node " + graph.name(i / columns) + " in column " + i % columns;
                throw new WrongResultException(what, address, expected[i], actual);
            }
        }
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(ranks != 0);
        List<String> lines = new ArrayList<>();
        double[] classic = IntStream.range(0, nodes)
                .mapToDouble(node -> memory.loadDouble(rank(node, 0)))
                .toArray();
        IntStream.range(0, nodes)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer node) -> -classic[node]))
                .limit(TOP)
                .forEach(node -> lines.add(String.format(
                        Locale.ROOT, "%2d. %-28s %.6f", lines.size() + 1, graph.name(node), classic[node])));
        return lines;
    }
}
