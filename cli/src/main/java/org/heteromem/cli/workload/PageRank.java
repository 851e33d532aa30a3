package org.heteromem.cli.workload;

import java.util.Optional;

/**
 * PageRank of a directed graph, for a batch of teleport targets at once: column 0 is the classic rank, every other
 * column the rank personalised on one node. Batching is how personalised ranks are computed in practice (one walk over
 * the edges serves all columns), and the number of columns fills the working set.
 */
final class PageRank implements Workload {
    static final String EXAMPLE = "debian-bookworm-depends.txt.gz";

    /** More columns than this cost time without showing anything new on a tiny graph. */
    private static final int MAX_COLUMNS = 512;

    @Override
    public String name() {
        return "pagerank";
    }

    @Override
    public String summary() {
        return "ranks the nodes of a graph: accelerator pulls along edges, CPU builds the graph and normalises";
    }

    @Override
    public FileUse fileUse() {
        return FileUse.OPTIONAL;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        Optional<EdgeList> named = input.file().map(EdgeList::read);
        EdgeList graph = named.orElseGet(() -> EdgeList.readExample(EXAMPLE));
        long left = input.workingSetBytes() - PageRankJob.graphBytes(graph);
        long columns = Math.clamp(left / PageRankJob.columnBytes(graph), 1, MAX_COLUMNS);
        return new PageRankJob(graph, (int) columns, input.seed());
    }
}
