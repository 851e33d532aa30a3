package org.heteromem.cli.daemon;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.heteromem.cli.run.Terminal;
import org.jspecify.annotations.Nullable;

/**
 * A program that this process runs and waits for, and that gets its end first: when this process is told to end, it tells
 * the program, goes on serving it until it has ended, and ends with its exit code.
 *
 * <p>A JVM does not say by which signal it was told to end, so the program gets a SIGTERM. A terminal has sent its Ctrl-C to
 * the program already: then it gets the SIGTERM only if that did not end it.
 */
public final class ChildProcess implements AutoCloseable {
    private static final long AFTER_CTRL_C_SECONDS = 2;

    private final CompletableFuture<Integer> done = new CompletableFuture<>();
    private final CompletableFuture<Boolean> cleaned = new CompletableFuture<>();
    private final Thread hook = new Thread(this::end, "end");
    private @Nullable Process process;
    private boolean ending;

    /** Nothing runs yet. */
    public ChildProcess() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * Runs it and waits for its end.
     *
     * @return its exit code, 128 and the signal's number if one ended it
     * @throws IOException if it cannot be started
     */
    public int run(ProcessBuilder builder) throws IOException, InterruptedException {
        Process started;
        synchronized (this) {
            started = builder.start();
            process = started;
            if (ending) {
                started.destroy();
            }
        }
        int code = started.waitFor();
        done.complete(code);
        return code;
    }

    /** All that the program needed is gone: from here on this process may end. */
    @Override
    public void close() {
        cleaned.complete(true);
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // It runs already, and ends this process with the program's exit code.
            Thread.yield();
        }
    }

    private void end() {
        Process running;
        synchronized (this) {
            ending = true;
            running = process;
        }
        try {
            if (running != null) {
                boolean terminal = Terminal.STANDARD_INPUT.isTerminal();
                if (!terminal || !running.waitFor(AFTER_CTRL_C_SECONDS, TimeUnit.SECONDS)) {
                    running.destroy();
                }
            }
            cleaned.get();
            if (done.isDone()) {
                Runtime.getRuntime().halt(done.get());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("only ever completed with values", e);
        }
    }
}
