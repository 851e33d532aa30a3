package org.heteromem.cli.conform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.heteromem.cli.BadInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScenarioReaderTest {
    private static final String GOOD = """
            # a comment
            scenario first
            # what it shows
            0 map A 6 anon rw -> ok
            0 write A+0 6 0x100 -> ok*6
            0 fork 12 -> ok

            12 snap 3 A+1 2 -> r*2
            scenario second
            0 map B 1 shared r -> ok
            """;

    @TempDir
    private Path folder;

    @Test
    void readsScenariosPlainAndCompressed() throws IOException {
        Path plain = Files.writeString(folder.resolve("a.scn"), GOOD);
        Path packed = folder.resolve("b.scn.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write(GOOD.getBytes(StandardCharsets.UTF_8));
        }
        for (Path file : ScenarioReader.files(folder)) {
            List<Scenario> scenarios = ScenarioReader.read(file);
            assertThat(scenarios).extracting(Scenario::name).containsExactly("first", "second");
            assertThat(scenarios.get(0).steps())
                    .extracting(Step::line, Step::task, Step::operation)
                    .last()
                    .isEqualTo(org.assertj.core.groups.Tuple.tuple(8, 12, Operation.SNAP));
        }
        assertThat(ScenarioReader.files(folder)).containsExactly(plain, packed);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "0 read A+0 1 0                 | no ' -> RESULT'",
                "0 read A+0 1 ->                | no ' -> RESULT'",
                "zero read A+0 1 -> 0           | 'zero' is not a task number",
                "7 read A+0 1 -> 0              | no task 7",
                "0 fork 0 -> ok                 | a task 0 already",
                "0 peruse A+0 1 -> 0            | unknown operation 'peruse'",
                "0 read C+0 1 -> 0              | none of that name",
                "0 read A0 1 -> 0               | 'A0' is not a good AREA+PAGE",
                "0 read A+0 -> 0                | number of pages",
                "0 read A+0 0 -> 0              | number of pages",
                "0 read A+8000 500 -> 0         | at most 8192 pages",
                "0 read A+0 1 2 -> 0            | one word too many",
                "0 write A+0 1 256 -> ok        | 0x",
                "0 write A+0 1 -> ok            | needs: range value",
                "0 snap 4 A+0 1 -> r            | device: 0 to 3",
                "0 protect A+0 1 rwx -> ok      | protection: none, r or rw",
                "0 pin P A+0 1 x -> ok          | access: r or w",
                "0 map C 4 heap rw -> ok        | kind of mapping",
                "0 map C 4 anon -> ok           | wrong number of words",
                "0 map C 0 anon rw -> ok        | number of pages",
                "0 remap A+0 1 C keep -> ok     | [dontunmap]",
            })
    void badLineNamesFileLineAndText(String line, String why) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.scn"), "scenario s\n0 map A 6 anon rw -> ok\n" + line + "\n");
        assertThatThrownBy(() -> ScenarioReader.read(file))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith(file + ":3: ")
                .hasMessageContaining(why)
                .hasMessageEndingWith(line);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "0 exit -> ok                                 | :1: an operation before the first 'scenario NAME'",
                "scenario a b                                 | :1: a scenario needs a name of one word",
                "scenario a                                   | :1: scenario a has no operation",
                "scenario a\\n0 exit -> ok\\nscenario a       | :3: a second scenario of this name",
                "scenario a\\n0 exit -> ok\\n0 exit -> ok     | :3: there is no task 0",
            })
    void badStructureNamesTheLine(String text, String why) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.scn"), text.replace("\\n", "\n"));
        assertThatThrownBy(() -> ScenarioReader.read(file))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(file + why);
    }

    @Test
    void whatIsNoTextOrNoGzipIsSaidSo() throws IOException {
        Path noText = Files.write(folder.resolve("a.scn"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        Path noGzip = Files.writeString(folder.resolve("b.scn.gz"), GOOD);
        assertThatThrownBy(() -> ScenarioReader.read(noText)).hasMessage(noText + ":1: not text in UTF-8");
        assertThatThrownBy(() -> ScenarioReader.read(noGzip)).hasMessageStartingWith(noGzip + ": not a gzip file");
    }

    @Test
    void missingFilesAndEmptyFoldersAreSaidSo() {
        Path missing = folder.resolve("none.scn");
        assertThatThrownBy(() -> ScenarioReader.files(missing)).hasMessage("no such file or directory: " + missing);
        assertThatThrownBy(() -> ScenarioReader.files(folder)).hasMessageContaining("no scenario file");
    }
}
