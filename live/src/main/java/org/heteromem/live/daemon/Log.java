package org.heteromem.live.daemon;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** One line an event, with the time, to whoever the daemon was given. Thread-safe if that is. */
final class Log {
    private final Consumer<String> out;
    private final AtomicLong left;

    Log(Consumer<String> out) {
        this(out, Long.MAX_VALUE);
    }

    private Log(Consumer<String> out, long lines) {
        this.out = out;
        this.left = new AtomicLong(lines);
    }

    /** The same, for somebody who may give reason for so many lines and no more: nobody fills a disk with them. */
    Log limited(long lines) {
        return new Log(out, lines);
    }

    void line(String text) {
        long now = left.decrementAndGet();
        if (now < 0) {
            if (now == -1) {
                write("... and so on: no more is said about it");
            }
            return;
        }
        write(text);
    }

    private void write(String text) {
        out.accept(LocalTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.MILLIS) + " " + text);
    }

    /** A defect of the daemon itself, with all that helps to find it. */
    void defect(String text, Throwable e) {
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        line(text + ": " + trace);
    }
}
