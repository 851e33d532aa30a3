package org.heteromem.cli.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether somebody sits at the other end of this process's input or output. */
public enum Terminal {
    /** What is typed. */
    STANDARD_INPUT(0),
    /** What is printed. */
    STANDARD_OUTPUT(1),
    /** What is said beside it. */
    STANDARD_ERROR(2);

    private final Path descriptor;

    Terminal(int number) {
        descriptor = Path.of("/proc/self/fd/" + number);
    }

    /** {@return whether it is a terminal; no where there is no {@code /proc} that could tell} */
    public boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }
}
