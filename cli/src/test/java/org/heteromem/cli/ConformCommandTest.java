package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConformCommandTest {
    private static final String SCENARIOS = """
            scenario good
            0 map A 6 anon rw -> ok
            0 write A+0 3 0x100 -> ok*3
            0 to-dev 0 A+0 6 -> ok 6
            0 read A+1 2 -> 0x101 0x102
            0 snap 0 A+0 6 -> priv-w w*2 priv-w*3

            scenario later
            0 file F 4 -> ok
            """;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private int conform(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("a.scn"), text);
        return conform(file);
    }

    private int conform(Path path) {
        return Heteromem.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute("conform", path.toString());
    }

    @Test
    void whatIsNotSupportedIsNeitherPassedNorFailed() throws IOException {
        assertThat(conform(SCENARIOS)).isEqualTo(ExitCode.OK);
        assertThat(out.toString().lines()).containsExactly("not supported yet: file (1)", "1 passed, 0 failed");
    }

    @Test
    void aDifferenceIsShownWithItsPlace() throws IOException {
        assertThat(conform(SCENARIOS.replace("priv-w w*2 priv-w*3", "priv-w*3 w priv-w*2")))
                .isEqualTo(ExitCode.FAILED);
        assertThat(out.toString().lines())
                .containsExactly(
                        folder.resolve("a.scn") + ":6: good: 0 snap 0 A+0 6",
                        "    expected priv-w*3 w priv-w*2",
                        "    actual   priv-w w*2 priv-w*3",
                        "not supported yet: file (1)",
                        "0 passed, 1 failed");
    }

    @Test
    void everyDifferenceOfAScenarioIsShown() throws IOException {
        assertThat(conform(SCENARIOS.replace("-> ok 6", "-> EINVAL").replace("0x102", "0x103")))
                .isEqualTo(ExitCode.FAILED);
        assertThat(out.toString()).contains(":4: good: ", ":5: good: ").endsWith("0 passed, 1 failed\n");
    }

    @Test
    void badLinesAndMissingFilesAreOneLine() throws IOException {
        assertThat(conform("scenario s\n0 peruse A -> 0\n")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .containsExactly(
                        "heteromem: " + folder.resolve("a.scn") + ":2: unknown operation 'peruse': 0 peruse A -> 0");
        err.getBuffer().setLength(0);
        assertThat(conform(folder.resolve("none"))).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).singleElement().asString().contains("no such file or directory");
    }
}
