package org.heteromem.cli.workload;

import java.util.List;
import java.util.stream.Collectors;
import org.heteromem.cli.BadInputException;

/** The registry of workloads. */
public final class Workloads {
    private static final List<Workload> ALL = List.of(
            new PageRank(), new Sort(), new Triad(), new KMeans(), new MatMul(), new HashJoin(), new WordCount());

    private Workloads() {}

    /** All workloads, in the order in which they are listed to people. */
    public static List<Workload> all() {
        return ALL;
    }

    /**
     * The workload with a name.
     *
     * @throws BadInputException if there is none, with the names there are
     */
    public static Workload named(String name) {
        return ALL.stream()
                .filter(workload -> workload.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("unknown workload '" + name + "': choose one of "
                        + ALL.stream().map(Workload::name).collect(Collectors.joining(", "))));
    }
}
