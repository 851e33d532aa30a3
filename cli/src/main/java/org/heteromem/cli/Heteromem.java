package org.heteromem.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code heteromem} command. */
@Command(name = "heteromem", mixinStandardHelpOptions = true, version = "heteromem 0.1.0")
public final class Heteromem {
    private Heteromem() {}

    /** Runs one command line and exits with its code. */
    public static void main(String... args) {
        System.exit(new CommandLine(new Heteromem()).execute(args));
    }
}
