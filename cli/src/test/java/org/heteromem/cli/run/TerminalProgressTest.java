package org.heteromem.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TerminalProgressTest {
    @Test
    void barShowsShareAndPhaseAndLeavesNoTrace() {
        StringWriter err = new StringWriter();
        try (TerminalProgress progress = new TerminalProgress(new PrintWriter(err), "triad")) {
            progress.at(0.5, "initialise");
            progress.draw();
            assertThat(err.toString()).contains("triad [", "50 %", "initialise");
        }
        String all = err.toString();
        assertThat(all.substring(0, all.length() - 5)).as("fits a line").doesNotContain("\n");
        assertThat(all).endsWith("\r\033[2K");
    }
}
