package org.heteromem.live.daemon;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;

/** One line an event, with the time, to whoever the daemon was given. Thread-safe if that is. */
final class Log {
    private final Consumer<String> out;

    Log(Consumer<String> out) {
        this.out = out;
    }

    void line(String text) {
        out.accept(LocalTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.MILLIS) + " " + text);
    }

    /** A defect of the daemon itself, with all that helps to find it. */
    void defect(String text, RuntimeException e) {
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        line(text + ": " + trace);
    }
}
