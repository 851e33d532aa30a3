package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.jupiter.api.Test;

/** Which entry kinds x operations x device kinds the random runs reach; the tables go to target. */
class CoverageTest {
    private static void check(String file, Options options) throws IOException, InterruptedException {
        Coverage coverage = RandomRunTest.run(options.withCoverage()).coverage();
        List<String> holes = coverage.holes(options.storage());
        List<String> columns = new ArrayList<>(options.storage() ? Coverage.STORAGE_STATES : Coverage.STATES);
        columns.addAll(options.storage() ? List.of(Coverage.DAMAGED) : Coverage.OWNERS);
        Path target = Path.of("target");
        Files.createDirectories(target);
        Files.writeString(
                target.resolve(file), coverage.table(columns) + "\nnever met:\n" + String.join("\n", holes) + "\n");
        assertThat(holes).isEmpty();
        // A step that is new must say what it can meet.
        Set<String> wanted = Coverage.wanted(options.storage()).keySet();
        assertThat(wanted).containsAll(coverage.operations());
        assertThat(steps(wanted)).isEqualTo(stepsThatAre(options.storage()));
    }

    private static Set<String> steps(Set<String> operations) {
        return operations.stream()
                .map(operation -> operation.split(" ", 2)[0])
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** So that a step that nobody makes any more is missed. */
    private static Set<String> stepsThatAre(boolean storage) {
        return Stream.of(Op.class.getDeclaredClasses())
                .filter(Class::isRecord)
                .map(Class::getSimpleName)
                .filter(name -> storage || !OF_STORAGE.contains(name))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static final Set<String> OF_STORAGE =
            Set.of("MapHomed", "Budget", "Evict", "Fetch", "Reclaim", "Demote", "Damage", "Restart");

    @Test
    void everyOperationMeetsEveryState() throws IOException, InterruptedException {
        check("coverage.txt", Options.of(4_711, 600_000, Checks.OUTCOMES));
    }

    @Test
    void everyOperationMeetsHomedMemoryAndEveryKindOfStorage() throws IOException, InterruptedException {
        check(
                "coverage-storage.txt",
                Options.of(4_711, 800_000, Checks.OUTCOMES).withStorage());
    }
}
