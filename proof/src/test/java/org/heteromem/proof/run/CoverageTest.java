package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.jupiter.api.Test;

/** Which entry kinds x operations x device kinds the random runs reach; the table goes to target/coverage.txt. */
class CoverageTest {
    @Test
    void everyOperationMeetsEveryState() throws IOException, InterruptedException {
        Fuzz.Result result =
                RandomRunTest.run(Options.of(4_711, 300_000, Checks.OUTCOMES).withCoverage());
        List<String> holes = result.coverage().holes();
        Path target = Path.of("target");
        Files.createDirectories(target);
        Files.writeString(
                target.resolve("coverage.txt"),
                result.coverage().table() + "\nnever met:\n" + String.join("\n", holes) + "\n");
        assertThat(holes).isEmpty();
    }
}
