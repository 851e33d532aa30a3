package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class SoakCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int soak(String... options) {
        String[] line = new String[options.length + 1];
        line[0] = "soak";
        System.arraycopy(options, 0, line, 1, options.length);
        return Heteromem.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(line);
    }

    @Test
    void aShortSoakNamesItsSeedAndSaysWhatItDid() {
        assertThat(soak("--minutes", "0.01", "--seed", "7")).as(err.toString()).isEqualTo(ExitCode.OK);
        assertThat(out.toString()).startsWith("soak with --seed 7").contains("every word right", "stores");
    }

    @Test
    void aLengthThatIsNoneIsOneLine() {
        for (String minutes : new String[] {"0", "-1", "NaN", "1e9"}) {
            err.getBuffer().setLength(0);
            assertThat(soak("--minutes", minutes)).isEqualTo(ExitCode.USAGE);
            assertThat(err.toString().lines()).singleElement().asString().contains("--minutes");
        }
    }
}
