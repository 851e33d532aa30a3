package org.heteromem.cli.conform;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Linux does, the core does: recordings of the real kernel, replayed. */
class ConformanceTest {
    @ParameterizedTest
    @CsvSource({
        "private,    240, 0",
        "coherent,   240, 0",
        "mixed,      240, 0",
        "fork,       240, 0",
        "layout,     240, 0",
        "pins,       240, 0",
        "exclusive,  240, 0",
        "advise,     240, 0",
        "evict,      240, 0",
        "hand,       165, 20",
        "deep,       272, 87",
        "everything, 187, 53",
        "shared,     207, 33",
        "file,       0, 240",
        "numa,       0, 182",
        "thp,        0, 90",
        "thp-hand,   0, 23",
    })
    void replaysWhatLinuxDid(String theme, int passed, int unsupported) throws URISyntaxException {
        List<String> differences = new ArrayList<>();
        Conformance.Tally tally = Conformance.replay(List.of(file(theme)), differences::add);

        assertThat(differences).isEmpty();
        assertThat(tally.failed()).isZero();
        assertThat(tally.passed()).isEqualTo(passed);
        assertThat(tally.unsupported().values().stream()
                        .mapToInt(Integer::intValue)
                        .sum())
                .as("scenarios that need what is not there yet: %s", tally.unsupported())
                .isEqualTo(unsupported);
    }

    @Test
    void doesWhatTheSourcesOfLinuxSayWhereNothingWasRecorded() throws URISyntaxException {
        List<String> differences = new ArrayList<>();
        Conformance.Tally tally = Conformance.replay(List.of(resource("/reasoned.scn")), differences::add);

        assertThat(differences).isEmpty();
        assertThat(tally.passed()).isPositive();
        assertThat(tally.unsupported()).isEmpty();
    }

    private static Path file(String theme) throws URISyntaxException {
        return resource("/conformance/" + theme + ".scn.gz");
    }

    private static Path resource(String name) throws URISyntaxException {
        URL url = ConformanceTest.class.getResource(name);
        assertThat(url).isNotNull();
        return Path.of(url.toURI());
    }
}
