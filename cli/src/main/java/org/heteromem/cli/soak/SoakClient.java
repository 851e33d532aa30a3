package org.heteromem.cli.soak;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.daemon.DaemonMain;
import org.jspecify.annotations.Nullable;

/** A {@link SoakProgram} as the soak sees it. */
final class SoakClient {
    private static final int LAST_LINES = 20;

    /** A thread that has done nothing for so long is stuck: a daemon starts in a second or two, also on a busy machine. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(120);

    private final int number;
    private final long seed;
    private final boolean ownDaemon;
    private final Path overflow;
    private final Process process;
    private final Thread reader;
    private final Deque<String> lastLines = new ArrayDeque<>();
    private final long lifeEndsNanos;

    private volatile @Nullable Beat beat;
    private volatile long takeovers;
    private long[] seenSteps = new long[0];
    private long[] movedAtNanos = new long[0];
    private final long startedNanos = System.nanoTime();
    private boolean toldToEnd;
    private boolean killed;

    /**
     * Starts one.
     *
     * @param folder for its files
     * @param socket of the daemon; null for one of its own
     * @param seed of its choices
     * @param lifeMillis after which it is to be told to end
     */
    SoakClient(int number, Path folder, @Nullable Path socket, long seed, long lifeMillis, long defectAfter)
            throws IOException {
        this.number = number;
        this.seed = seed;
        this.ownDaemon = socket == null;
        this.overflow = folder.resolve("overflow-" + number);
        this.lifeEndsNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(lifeMillis);
        List<String> command = Java.command("-Xmx64m", "-XX:+UseParallelGC", SoakProgram.class);
        command.addAll(List.of(
                socket == null ? SoakProgram.PRIVATE + overflow : socket.toString(),
                folder.resolve("calls-" + number).toString(),
                Long.toString(seed),
                Long.toString(defectAfter)));
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        reader = Thread.ofPlatform().daemon().name("client-" + number).start(this::read);
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line; (line = lines.readLine()) != null; ) {
                Optional<Beat> parsed = Beat.parse(line);
                if (parsed.isPresent()) {
                    hear(parsed.get());
                } else {
                    synchronized (lastLines) {
                        lastLines.add(line);
                        if (lastLines.size() > LAST_LINES) {
                            lastLines.remove();
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("client " + number, e);
        }
    }

    @SuppressWarnings({"NonAtomicVolatileUpdate", "NonAtomicOperationOnVolatileField"}) // one thread reads
    private void hear(Beat now) {
        Beat last = beat;
        if (last != null && last.daemonPid() != now.daemonPid()) {
            takeovers++;
        }
        beat = now;
    }

    long pid() {
        return process.pid();
    }

    boolean hasOwnDaemon() {
        return ownDaemon;
    }

    /** {@return the last thing that it said; null until it has memory} */
    @Nullable
    Beat beat() {
        return beat;
    }

    long takeovers() {
        return takeovers;
    }

    boolean livesTooLong() {
        return System.nanoTime() - lifeEndsNanos > 0;
    }

    void tellToEnd() {
        if (!toldToEnd) {
            toldToEnd = true;
            try {
                process.getOutputStream().close();
            } catch (IOException e) {
                if (process.isAlive()) {
                    throw new UncheckedIOException("client " + number, e);
                }
            }
        }
    }

    void kill() {
        killed = true;
        process.destroyForcibly();
    }

    /** {@return whether it has ended, and well or because it was killed} */
    boolean hasEnded() throws InterruptedException {
        if (process.isAlive()) {
            return false;
        }
        reader.join();
        if (!killed && (process.exitValue() != 0 || !toldToEnd)) {
            throw new LiveSoakFailure(this + " ended with exit code " + process.exitValue() + ": " + words());
        }
        return true;
    }

    /** Fails if one of its threads gets nowhere. */
    void mustGetOn() {
        Beat now = beat;
        long time = System.nanoTime();
        if (now == null) {
            if (time - startedNanos > 2 * PATIENCE_NANOS) {
                throw new LiveSoakFailure(this + " has got no memory for a long time: " + words());
            }
            return;
        }
        List<Long> steps = now.steps();
        if (seenSteps.length != steps.size()) {
            seenSteps = new long[steps.size()];
            movedAtNanos = new long[steps.size()];
            Arrays.fill(seenSteps, -1);
        }
        for (int i = 0; i < seenSteps.length; i++) {
            if (steps.get(i) != seenSteps[i]) {
                seenSteps[i] = steps.get(i);
                movedAtNanos[i] = time;
            } else if (!toldToEnd && time - movedAtNanos[i] > PATIENCE_NANOS) {
                throw new LiveSoakFailure(this + ": thread " + i + " has been stuck in operation " + seenSteps[i]
                        + " for " + TimeUnit.NANOSECONDS.toSeconds(PATIENCE_NANOS) + " seconds");
            }
        }
    }

    /**
     * {@return whether the daemon of a client that has ended is gone too, and its keeper, which may just be starting another
     * one; then its file is removed}
     */
    boolean leftNothing() throws IOException {
        if (ownDaemon && (isLeft(DaemonMain.class.getName()) || isLeft(Killer.KEEPER))) {
            return false;
        }
        Files.deleteIfExists(overflow);
        return true;
    }

    private boolean isLeft(String main) {
        return Java.running(main, Long.toString(pid())).findAny().isPresent();
    }

    private String words() {
        synchronized (lastLines) {
            return lastLines.isEmpty() ? "it said nothing" : String.join("\n", lastLines);
        }
    }

    @Override
    public String toString() {
        return "client " + number + " (process " + process.pid() + ", seed " + seed + ", "
                + (ownDaemon ? "a daemon of its own" : "the daemon of several") + ")";
    }
}
