package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.heteromem.cli.soak.LiveSoak;
import org.heteromem.cli.soak.LiveSoakFailure;
import org.heteromem.cli.soak.LiveSoakOptions;
import org.junit.jupiter.api.Test;

/** {@code soak --live}; needs a machine that allows live mode, and fails elsewhere. */
class LiveSoakTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int soak(String... options) {
        String[] line = new String[options.length + 2];
        line[0] = "soak";
        line[1] = "--live";
        System.arraycopy(options, 0, line, 2, options.length);
        return Heteromem.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(line);
    }

    @Test
    void aShortSoakKillsAndFindsNothing() {
        assertThat(soak("--minutes", "0.1", "--kills", "40", "--seed", "7"))
                .as(() -> out + "\n" + err)
                .isEqualTo(ExitCode.OK);
        assertThat(out.toString())
                .startsWith("soak with --seed 7")
                .containsPattern("[1-9][0-9,]* pages evicted")
                .containsPattern(" 0 errors")
                .contains("every word right, nothing left behind, no thread stuck");
    }

    @Test
    void damageIsFoundWithItsClientThreadAndPlace() {
        LiveSoakOptions options = new LiveSoakOptions(11, Duration.ofMinutes(2), 0, 40, 100);
        assertThatExceptionOfType(LiveSoakFailure.class)
                .isThrownBy(() -> LiveSoak.run(options, _ -> {}))
                .withMessageMatching("(?s)client \\d+ \\(process \\d+, seed \\d+, .*WRONG thread [012], operation \\d+:"
                        + " page 0 of the shared segment, those of thread [012], offset 2048 \\(address 0x.*");
    }

    @Test
    void killsThatMakeNoSenseAreOneLine() {
        for (String kills : new String[] {"-1", "NaN", "1000"}) {
            err.getBuffer().setLength(0);
            assertThat(soak("--kills", kills)).isEqualTo(ExitCode.USAGE);
            assertThat(err.toString().lines()).singleElement().asString().contains("--kills");
        }
    }

    @Test
    void livesThatMakeNoSenseAreOneLine() {
        for (String seconds : new String[] {"0", "-1", "3601"}) {
            err.getBuffer().setLength(0);
            assertThat(soak("--client-seconds", seconds)).isEqualTo(ExitCode.USAGE);
            assertThat(err.toString().lines()).singleElement().asString().contains("--client-seconds " + seconds);
        }
    }

    @Test
    void aDaemonThatNobodyKillsHasNothingOfItsClients() {
        assertThat(soak("--minutes", "0.15", "--kills", "0", "--client-seconds", "2", "--seed", "8"))
                .as(() -> out + "\n" + err)
                .isEqualTo(ExitCode.OK);
        assertThat(out.toString()).containsPattern("[1-9][0-9]* MiB of its own").containsPattern(" 0 daemons killed");
    }

    @Test
    void theModelHasNobodyToKill() {
        assertThat(Heteromem.commandLine()
                        .setErr(new PrintWriter(err))
                        .setOut(new PrintWriter(out))
                        .execute("soak", "--kills", "1"))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains("--kills is for --live");
        assertThat(Heteromem.commandLine()
                        .setErr(new PrintWriter(err))
                        .setOut(new PrintWriter(out))
                        .execute("soak", "--client-seconds", "1"))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains("--client-seconds is for --live");
    }
}
