package org.heteromem.cli.soak;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.Heteromem;
import org.heteromem.live.HeteromemException;
import org.heteromem.live.Options;
import org.heteromem.live.Status;

/**
 * A client of a soak: a process with more memory than RAM, until its input ends. Then it checks everything a last time, and
 * ends with exit code 0.
 *
 * <p>Arguments: the socket of a daemon, or {@code private:} and a file for one of its own to overflow to; the file that
 * system calls use; its seed; after how many operations it damages memory, or 0.
 */
final class SoakProgram {
    static final String RAM = "8M";
    /** Beside it, where there is one device. */
    static final String OVERFLOW = "96M";
    /** Where there are two, so that the second is needed too. */
    private static final String FIRST_OVERFLOW = "8M";
    /** More than three times the RAM, and its blocks come on top. */
    static final long SHARED_BYTES = 28L << 20;

    static final int THREADS = 3;
    static final String PRIVATE = "private:";
    static final String WRONG = "WRONG ";
    private static final int BEAT_MILLIS = 500;
    private static final int COLLECT_MILLIS = 50;
    private static final long OPEN_SECONDS = 120;

    private final Heteromem memory;
    private final long[] lastCounters = new long[2];
    private final long[] sums = new long[2];

    private SoakProgram(Heteromem memory) {
        this.memory = memory;
    }

    /** Runs it; see above. */
    public static void main(String... arguments) throws InterruptedException {
        Thread input = Thread.ofPlatform().daemon().name("input").start(SoakProgram::awaitEndOfInput);
        try (FileChannel file = FileChannel.open(
                Path.of(arguments[1]),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE)) {
            Opened opened = open(arguments[0]);
            new SoakProgram(opened.memory)
                    .run(opened, file, Long.parseLong(arguments[2]), Long.parseLong(arguments[3]), input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void awaitEndOfInput() {
        try {
            System.in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record Opened(Heteromem memory, Arena arena, MemorySegment shared) {}

    /** A daemon that is killed before it has registered memory takes the connection with it: that is no error. */
    private static Opened open(String where) throws InterruptedException {
        Options options = Options.ram(RAM).name("soak");
        options = where.startsWith(PRIVATE)
                ? options.overflow("compressed", FIRST_OVERFLOW)
                        .overflow("file:" + where.substring(PRIVATE.length()), OVERFLOW)
                : options.socket(Path.of(where));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(OPEN_SECONDS);
        for (; ; ) {
            try {
                Heteromem memory = Heteromem.open(options);
                try {
                    Arena arena = memory.sharedArena();
                    return new Opened(memory, arena, arena.allocate(SHARED_BYTES, VersionedPages.PAGE));
                } catch (HeteromemException e) {
                    memory.close();
                    throw e;
                }
            } catch (HeteromemException e) {
                if (System.nanoTime() - deadline > 0) {
                    throw e;
                }
            }
            TimeUnit.MILLISECONDS.sleep(COLLECT_MILLIS);
        }
    }

    private void run(Opened opened, FileChannel file, long seed, long defectAfter, Thread input)
            throws InterruptedException {
        List<SoakThread> threads = new ArrayList<>();
        List<Thread> running = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            VersionedPages pages = new VersionedPages(
                    "the shared segment, those of thread " + t, opened.arena, opened.shared, t, THREADS, seed + t);
            SoakThread thread = new SoakThread(memory, pages, t, seed * THREADS + t, file, input::isAlive, defectAfter);
            threads.add(thread);
            running.add(Thread.ofPlatform().name("soak-" + t).start(thread));
        }
        Thread.ofPlatform().daemon().name("collector").start(SoakProgram::collectForEver);
        for (Thread one : running) {
            do {
                report(threads);
            } while (!one.join(Duration.ofMillis(BEAT_MILLIS)));
        }
        report(threads);
        opened.arena.close();
        memory.close();
    }

    private void report(List<SoakThread> threads) {
        for (SoakThread thread : threads) {
            String wrong = thread.failure();
            if (wrong != null) {
                say(WRONG + wrong);
                // Threads may wait for ever for what is lost, and with them a collection: no exit in good order.
                Runtime.getRuntime().halt(1);
            }
        }
        say(beat(threads).line());
    }

    private static void say(String line) {
        System.out.println(line);
    }

    private Beat beat(List<SoakThread> threads) {
        Status status = memory.status();
        for (Status.Subject subject : status.subjects()) {
            if (subject.pid() == ProcessHandle.current().pid()) {
                add(0, subject.counters(), "faults");
                add(1, subject.counters(), "evictions");
            }
        }
        return new Beat(
                status.subjects().getFirst().pid(),
                sums[0],
                sums[1],
                threads.stream().map(SoakThread::steps).toList());
    }

    /** A new daemon begins to count at zero. */
    private void add(int which, Map<String, Long> counters, String name) {
        long now = counters.getOrDefault(name, 0L);
        sums[which] += now >= lastCounters[which] ? now - lastCounters[which] : now;
        lastCounters[which] = now;
    }

    private static void collectForEver() {
        try {
            for (; ; ) {
                System.gc();
                TimeUnit.MILLISECONDS.sleep(COLLECT_MILLIS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
