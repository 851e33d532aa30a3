package org.heteromem.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.heteromem.cli.BadInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the parser of edge lists takes, and what it says about the rest. */
class EdgeListTest {
    @TempDir
    private Path folder;

    @Test
    void takesAllSeparatorsCommentsAndLineEnds() throws IOException {
        EdgeList graph = read("# a comment\n% another\n\n7 9\n9\t7\r\n 7,1000000000000 \n7 , 7\n9 7");
        assertThat(edges(graph)).containsExactly("7 9", "9 7", "7 1000000000000", "7 7", "9 7");
        assertThat(graph.nodes()).isEqualTo(3);
    }

    @Test
    void namesNodesByComments() throws IOException {
        EdgeList graph = read("# node 5 libc6\n# node 6 a name with blanks\n# node\n# node x y\n5 6\n6 8");
        assertThat(edges(graph)).containsExactly("libc6 a name with blanks", "a name with blanks 8");
    }

    @Test
    void readsGzipByItsFirstBytesNotItsName() throws IOException {
        Path file = folder.resolve("graph.txt");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("1 2\n2 3\n".getBytes(StandardCharsets.US_ASCII));
        }
        assertThat(edges(EdgeList.read(file))).containsExactly("1 2", "2 3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"1", "1 2 3", "a b", "1 -2", "1;2", "1,,2", "1 99999999999999999999", "+1 2", "1 2.0", "12 x"})
    void badLineIsNamedWithFileNumberAndText(String line) throws IOException {
        assertThatThrownBy(() -> read("# header\n1 2\n" + line + "\n3 4\n"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("graph.txt:3: ")
                .hasMessageContaining("'" + line + "'");
    }

    @Test
    void longAndUnprintableTextIsQuotedWithCare() {
        assertThatThrownBy(() -> read("\u001b[31m" + "x".repeat(10_000)))
                .isInstanceOf(BadInputException.class)
                .satisfies(e -> assertThat(e.getMessage())
                        .hasSizeLessThan(300 + folder.toString().length()))
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\u001b"));
    }

    @Test
    void fileThatCannotBeReadIsNamed() throws IOException {
        assertThatThrownBy(() -> EdgeList.read(folder.resolve("missing.txt")))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("no such file")
                .hasMessageContaining("missing.txt");
        assertThatThrownBy(() -> EdgeList.read(folder))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("is a folder");
        assertThatThrownBy(() -> read("# nothing but a comment\n"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("holds no edge");
    }

    @Test
    void damagedGzipIsNamedHoweverItIsDamaged() throws IOException {
        Path whole = folder.resolve("whole.gz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(whole))) {
            out.write("1 2\n2 3\n".repeat(1000).getBytes(StandardCharsets.US_ASCII));
        }
        byte[] bytes = Files.readAllBytes(whole);
        for (int length : new int[] {2, 9, bytes.length / 2, bytes.length - 1}) {
            Path cut = Files.write(folder.resolve("cut.gz"), Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> EdgeList.read(cut))
                    .as("first %d bytes", length)
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("cut.gz: damaged gzip data");
        }
        bytes[bytes.length - 6] ^= 1;
        Path wrong = Files.write(folder.resolve("wrong.gz"), bytes);
        assertThatThrownBy(() -> EdgeList.read(wrong))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("wrong.gz: damaged gzip data");
    }

    @Test
    void exampleIsWhatItsReadmeSays() {
        EdgeList graph = EdgeList.readExample(PageRank.EXAMPLE);
        assertThat(graph.edges()).isEqualTo(312_640);
        assertThat(graph.nodes()).isEqualTo(65_633);
    }

    private EdgeList read(String text) throws IOException {
        return EdgeList.read(Files.writeString(folder.resolve("graph.txt"), text));
    }

    private static List<String> edges(EdgeList graph) {
        List<String> edges = new ArrayList<>();
        for (int edge = 0; edge < graph.edges(); edge++) {
            edges.add(graph.name(graph.source(edge)) + " " + graph.name(graph.target(edge)));
        }
        return edges;
    }
}
