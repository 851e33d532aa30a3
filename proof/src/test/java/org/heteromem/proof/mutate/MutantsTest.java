package org.heteromem.proof.mutate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Code that was moved takes its mutants along. */
class MutantsTest {
    private static final Path ROOT = Path.of("..");

    @Test
    void everyDefectFindsItsPlace() throws IOException {
        List<Mutate.Mutant> mutants = Mutate.read(ROOT);
        assertThat(mutants)
                .extracting(Mutate.Mutant::name)
                .doesNotHaveDuplicates()
                .hasSizeGreaterThan(90);
        for (Mutate.Mutant mutant : mutants) {
            Path source = mutant.source(ROOT);
            assertThat(source).as(mutant.name()).isRegularFile();
            assertThat(mutant.fits(Files.readString(source)))
                    .as("%s: its text must occur once in %s", mutant.name(), source)
                    .isTrue();
        }
    }
}
