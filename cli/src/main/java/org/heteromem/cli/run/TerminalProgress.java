package org.heteromem.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on standard error, which leaves no trace when it is closed. Thread-safe. */
public final class TerminalProgress implements RunProgress, AutoCloseable {
    private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");
    private static final int WIDTH = 78;
    private static final int STEPS = 1000;
    private static final int INTERVAL_MILLIS = 100;
    private static final String CLEAR_LINE = "\r\033[2K";

    private final PrintWriter err;
    private final ProgressBar bar;
    private boolean closed;

    /**
     * Shows a bar.
     *
     * @param err where
     * @param task what is under way
     */
    public TerminalProgress(PrintWriter err, String task) {
        this.err = err;
        this.bar = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(STEPS)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(INTERVAL_MILLIS)
                .hideEta()
                .setConsumer(new DelegatingProgressBarConsumer(this::show, WIDTH))
                .build();
    }

    /**
     * {@return whether standard error is known to be a terminal}
     */
    public static boolean wanted() {
        try {
            String target = Files.readSymbolicLink(STANDARD_ERROR).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException _) {
            // Without /proc there is no telling, and a bar in a file is worse than none on a terminal.
            return false;
        }
    }

    private synchronized void show(String line) {
        if (!closed) {
            err.print("\r" + line);
            err.flush();
        }
    }

    @Override
    public void at(double done, String phase) {
        bar.stepTo(Math.round(done * STEPS));
        bar.setExtraMessage(" " + phase);
    }

    /** Wipes the bar off its line. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            err.print(CLEAR_LINE);
            err.flush();
        }
        bar.close();
    }
}
