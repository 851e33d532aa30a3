package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.jupiter.api.Test;

/** Which entry kinds x operations x device kinds the random runs reach; the tables go to target. */
class CoverageTest {
    private static List<String> holes(String file, Options options, List<String> states)
            throws IOException, InterruptedException {
        Coverage coverage = RandomRunTest.run(options.withCoverage()).coverage();
        List<String> holes = coverage.holes(states);
        List<String> columns = new ArrayList<>(states);
        columns.add(Coverage.DAMAGED);
        Path target = Path.of("target");
        Files.createDirectories(target);
        Files.writeString(
                target.resolve(file), coverage.table(columns) + "\nnever met:\n" + String.join("\n", holes) + "\n");
        return holes;
    }

    @Test
    void everyOperationMeetsEveryState() throws IOException, InterruptedException {
        assertThat(holes("coverage.txt", Options.of(4_711, 600_000, Checks.OUTCOMES), Coverage.STATES))
                .isEmpty();
    }

    @Test
    void everyOperationMeetsHomedMemoryAndEveryKindOfStorage() throws IOException, InterruptedException {
        Options options = Options.of(4_711, 800_000, Checks.OUTCOMES).withStorage();
        assertThat(holes("coverage-storage.txt", options, Coverage.STORAGE_STATES))
                .isEmpty();
    }
}
