package org.heteromem.cli.conform;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Replays files of scenarios and counts.
 *
 * <pre>{@code
 * Conformance.Tally tally = Conformance.replay(List.of(Path.of("fork.scn")), difference -> out.println(difference));
 * }</pre>
 */
public final class Conformance {
    /**
     * How many scenarios there were of each sort.
     *
     * @param passed every result was the recorded one
     * @param failed at least one was not
     * @param unsupported not replayed, by the first operation that the core does not have yet
     */
    public record Tally(int passed, int failed, Map<String, Integer> unsupported) {
        /** Takes a copy. */
        public Tally {
            unsupported = Collections.unmodifiableMap(new TreeMap<>(unsupported));
        }
    }

    private Conformance() {}

    /**
     * Replays every scenario of some files. All are read before the first is replayed.
     *
     * @param paths scenario files, or directories of them
     * @param differences told of every result that is not the recorded one
     * @return the counts
     * @throws org.heteromem.cli.BadInputException if there is no such file, it cannot be read, or a line makes no sense
     */
    public static Tally replay(List<Path> paths, Consumer<String> differences) {
        List<Scenario> scenarios = new ArrayList<>();
        for (Path path : paths) {
            for (Path file : ScenarioReader.files(path)) {
                scenarios.addAll(ScenarioReader.read(file));
            }
        }
        int passed = 0;
        int failed = 0;
        Map<String, Integer> unsupported = new TreeMap<>();
        try (ReplayMachine.Stores stores = new ReplayMachine.Stores()) {
            for (Scenario scenario : scenarios) {
                String missing = scenario.unsupported();
                if (missing != null) {
                    unsupported.merge(missing, 1, Integer::sum);
                    continue;
                }
                List<Difference> found = Replay.run(scenario, stores);
                found.forEach(difference -> differences.accept(difference.toString()));
                if (found.isEmpty()) {
                    passed++;
                } else {
                    failed++;
                }
            }
        }
        return new Tally(passed, failed, unsupported);
    }
}
