package org.heteromem.proof.mutate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Code that was moved takes its mutants along. */
class MutantsTest {
    private static final Path ROOT = Path.of("..");

    /** Item 21 to 23 of the first list are of files and large pages, which the core does not have. */
    @Test
    void everyItemHasADefect() throws IOException {
        Set<String> wanted = new TreeSet<>(Set.of("A.14/24", "A.14/25"));
        IntStream.rangeClosed(1, 20).forEach(i -> wanted.add("A.14/" + i));
        IntStream.rangeClosed(1, 7).forEach(i -> wanted.add("D/" + i));
        IntStream.rangeClosed(1, 11).forEach(i -> wanted.add("H/" + i));
        Set<String> there = Mutate.read(ROOT).stream()
                .map(mutant -> mutant.name().substring(0, mutant.name().indexOf(' ')))
                .collect(Collectors.toSet());
        assertThat(there).isEqualTo(wanted);
    }

    @Test
    void everyDefectFindsItsPlace() throws IOException {
        List<Mutate.Mutant> mutants = Mutate.read(ROOT);
        assertThat(mutants).extracting(Mutate.Mutant::name).doesNotHaveDuplicates();
        for (Mutate.Mutant mutant : mutants) {
            Path source = mutant.source(ROOT);
            assertThat(source).as(mutant.name()).isRegularFile();
            assertThat(mutant.fits(Files.readString(source)))
                    .as("%s: its text must occur once in %s", mutant.name(), source)
                    .isTrue();
        }
    }
}
