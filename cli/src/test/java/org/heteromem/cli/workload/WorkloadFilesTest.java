package org.heteromem.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.heteromem.cli.BadInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workloads on files: what they find is what a person would find. */
class WorkloadFilesTest {
    @TempDir
    private Path folder;

    @Test
    void pagerankOfAStarIsWhatTheFormulaSays() throws IOException {
        // Nodes 1, 2 and 3 point to 0, which points nowhere. With x the rank of a leaf: leaf = 0.15/4 + 0.85 * hub/4,
        // hub = leaf + 0.85 * 3 * leaf, and all add up to 1; eight iterations come within a hundredth.
        List<String> top = run("pagerank", "1 0\n2 0\n3 0\n");
        double leaf = 1 / (3 + 1 + 3 * 0.85);
        assertThat(top).hasSize(4);
        assertThat(top.getFirst()).startsWith(" 1. 0 ");
        assertThat(rank(top.get(0))).isCloseTo(1 - 3 * leaf, within(0.01));
        assertThat(rank(top.get(1))).isCloseTo(leaf, within(0.01));
        assertThat(top.stream().mapToDouble(WorkloadFilesTest::rank).sum()).isCloseTo(1, within(1e-5));
    }

    @Test
    void pagerankOfTheExampleFindsTheCLibraryFirst() {
        try (PlainMachine context = new PlainMachine(2, 2)) {
            WorkloadJob job = Workloads.named("pagerank").prepare(WorkloadInput.generated(1, 8L << 20));
            job.run(context);
            List<String> top = job.results(context.memory());
            assertThat(top).hasSize(10);
            assertThat(top.getFirst()).contains("libc6");
        }
    }

    @Test
    void sortOrdersLinesByAllTheirBytes() throws IOException {
        List<String> ends =
                run("sort", "prefix-of-many-b\n\u00fcber\nprefix-of-many-a\n\nprefix-o\nprefix-of-many-a\nA");
        assertThat(ends).containsExactly("first: ", "last:  \u00fcber");
    }

    @Test
    void sortTellsShortLinesFromZeroBytes() throws IOException {
        run("sort", "a\0\0\na\na\0\n\0\n\n\0\0");
    }

    @Test
    void sortMergesManyRunsOfLinesWithEqualPrefixes() throws IOException {
        SplittableRandom random = new SplittableRandom(5);
        String text = IntStream.range(0, 120_000)
                .mapToObj(_ -> "the-same-" + random.nextInt(50_000))
                .collect(Collectors.joining("\n"));
        assertThat(run("sort", text)).first().isEqualTo("first: the-same-0");
    }

    @Test
    void wordcountFoldsCaseAndKeepsUtf8Together() throws IOException {
        assertThat(run("wordcount", "The cat, the CAT; the m\u00fcller-cat 42"))
                .containsExactly(
                        "4 different words",
                        "cat                          3",
                        "the                          3",
                        "42                           1",
                        "m\u00fcller                       1");
    }

    @Test
    void wordcountGrowsItsTableForManyDifferentWords() throws IOException {
        String text = IntStream.range(0, 60_000).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
        assertThat(run("wordcount", text)).first().isEqualTo("60,000 different words");
    }

    @Test
    void wordcountCountsAWordLongerThanAChunkOnce() throws IOException {
        assertThat(run("wordcount", "x".repeat(1000))).first().isEqualTo("1 different words");
        assertThat(run("wordcount", " ".repeat(1000))).containsExactly("0 different words");
    }

    @Test
    void emptyFileIsRefused() {
        for (String name : List.of("sort", "wordcount")) {
            assertThatThrownBy(() -> run(name, ""))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("is empty");
        }
    }

    /** Runs a workload on a text, verifies it, and gives its results. */
    private List<String> run(String workload, String text) throws IOException {
        Path file = Files.write(folder.resolve("input.txt"), text.getBytes(StandardCharsets.UTF_8));
        try (PlainMachine context = new PlainMachine(2, 3)) {
            WorkloadJob job = Workloads.named(workload).prepare(new WorkloadInput(Optional.of(file), 1, 1L << 20));
            job.run(context);
            job.runPlain();
            job.verify(context.memory());
            return job.results(context.memory());
        }
    }

    private static double rank(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ')));
    }
}
