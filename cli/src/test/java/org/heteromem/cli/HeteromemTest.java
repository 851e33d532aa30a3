package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class HeteromemTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command =
            Heteromem.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

    @Test
    void helpNamesTheCommands() {
        assertThat(command.execute("--help")).isZero();
        assertThat(out.toString()).startsWith("Usage: heteromem").contains("completion");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void everyCommandHasHelp() {
        for (String name : command.getSubcommands().keySet()) {
            out.getBuffer().setLength(0);
            assertThat(command.execute(name, "--help")).as(name).isZero();
            assertThat(out.toString()).as(name).startsWith("Usage: heteromem " + name);
        }
    }

    @Test
    void doctorSaysFirstWhatRightsThereAre() {
        int exit = command.execute("doctor");
        assertThat(out.toString()).startsWith("rights: ").contains("kernel", "/dev/userfaultfd");
        assertThat(exit).isEqualTo(out.toString().startsWith("rights: none") ? ExitCode.FAILED : ExitCode.OK);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void versionNamesTheJdk() {
        assertThat(command.execute("--version")).isZero();
        assertThat(out.toString()).startsWith("heteromem ").contains("JDK " + Runtime.version());
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "--colour,            unknown option '--colour',      heteromem --help",
                "walk,                unknown command 'walk',         heteromem --help",
                "complete,            did you mean completion,         heteromem --help",
                "completion --colour, unknown option '--colour',      heteromem completion --help",
                "completion zsh,      unexpected argument 'zsh',      heteromem completion --help",
            })
    void unknownWordsAreOneLineThatPointsToHelp(String line, String word, String help) {
        assertThat(command.execute(line.split(" "))).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("heteromem: ")
                .contains(word, help);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void noCommandIsOneLineThatPointsToHelp() {
        assertThat(command.execute()).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).singleElement().asString().contains("command", "heteromem --help");
    }

    @Test
    void badInputIsOneLine() {
        assertThat(run(() -> {
                    throw new BadInputException("edges.txt:3: no number\n  in 'x'");
                }))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).containsExactly("heteromem: edges.txt:3: no number; in 'x'");
    }

    @Test
    void troubleWithTheSystemIsOneLine() {
        assertThat(run(() -> {
                    throw new IOException("report.html: no space left");
                }))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines()).containsExactly("heteromem: report.html: no space left");
    }

    @Test
    void bugShowsItsTrace() {
        assertThat(run(() -> {
                    throw new IllegalStateException("frame 7 is lost");
                }))
                .isEqualTo(ExitCode.BUG);
        assertThat(err.toString()).contains("frame 7 is lost", "at org.heteromem.cli.HeteromemTest", "report it");
    }

    @Test
    void failedAssertionIsABugToo() {
        assertThat(run(() -> {
                    throw new AssertionError("frame 7 is lost");
                }))
                .isEqualTo(ExitCode.BUG);
        assertThat(err.toString()).contains("frame 7 is lost", "at org.heteromem.cli.HeteromemTest", "report it");
    }

    @Test
    void fullHeapIsOneLineThatSaysHowToRaiseIt() {
        assertThat(run(() -> {
                    throw new OutOfMemoryError("Java heap space");
                }))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines()).singleElement().asString().contains("Java heap space", "-Xmx");
    }

    @Test
    void completionScriptKnowsTheCommands() {
        assertThat(command.execute("completion")).isZero();
        assertThat(out.toString()).startsWith("#!/usr/bin/env bash").contains("complete -F", "completion");
    }

    private int run(Callable<Integer> body) {
        return Heteromem.run(command.addSubcommand("trial", new Trial(body)).setErr(new PrintWriter(err)), "trial");
    }

    @Command(name = "trial")
    private record Trial(Callable<Integer> body) implements Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            return body.call();
        }
    }
}
