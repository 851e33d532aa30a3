package org.heteromem.cli.run;

import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressState;

/** A progress bar on standard error, which leaves no trace when it is closed. Thread-safe. */
public final class TerminalProgress implements RunProgress, AutoCloseable {
    private static final int WIDTH = 78;
    private static final int BAR_WIDTH = 36;
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
                .setUpdateIntervalMillis(INTERVAL_MILLIS)
                .setRenderer(TerminalProgress::render)
                .setConsumer(new DelegatingProgressBarConsumer(this::show, WIDTH))
                .build();
    }

    /**
     * {@return whether standard error is known to be a terminal}
     */
    public static boolean wanted() {
        return Terminal.STANDARD_ERROR.isTerminal();
    }

    // The library's own renderer measures text with the help of a terminal library; phases are plain letters.
    private static String render(ProgressState state, int maxLength) {
        int filled = (int) (BAR_WIDTH * state.getCurrent() / STEPS);
        String line = String.format(
                Locale.ROOT,
                "%s [%s%s] %3d %% %s",
                state.getTaskName(),
                "=".repeat(filled),
                " ".repeat(BAR_WIDTH - filled),
                100 * state.getCurrent() / STEPS,
                state.getExtraMessage().strip());
        return line.length() <= maxLength ? line + " ".repeat(maxLength - line.length()) : line.substring(0, maxLength);
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

    /** Draws at once what is otherwise drawn ten times a second. */
    void draw() {
        bar.refresh();
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
