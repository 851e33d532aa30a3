package org.heteromem.bench.live;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.heteromem.live.Heteromem;
import org.heteromem.live.natives.Cpus;

/** Managed memory with a daemon of its own, and what is measured of it. Used by one thread, which it binds to CPU 0 while it is open. */
final class Live implements AutoCloseable {
    static final int PAGE = 4096;
    private static final int BATCH = 512;
    private static final int MOST_TRIES = 100;
    private static final Pattern COLLECTION = Pattern.compile(" Pause .* ([0-9.]+)ms$");
    private static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle();

    private final BitSet before = Cpus.allowed();
    private final DaemonProcess daemon;
    private final Heteromem memory;
    private final Arena arena;
    final MemorySegment segment;
    final int pages;
    private final Random random = new Random(42);

    /**
     * Opens it, with all pages written once. RAM and device hold twice as much each.
     *
     * @param daemonCpu where the daemon runs, or below zero for anywhere
     * @param device such as {@code ram}
     * @param pages how many pages the segment has
     * @param around how many pages come home for one touch
     */
    Live(int daemonCpu, String device, int pages, int around, String... jvmOptions) throws IOException {
        this(daemonCpu, 2L * pages * PAGE, device, 2L * pages * PAGE, pages, around, jvmOptions);
    }

    /**
     * Opens it, with all pages written once.
     *
     * @param daemonCpu where the daemon runs, or below zero for anywhere
     * @param ram bytes
     * @param device such as {@code ram}
     * @param deviceBytes that it holds
     * @param pages how many pages the segment has
     * @param around how many pages come home for one touch
     */
    Live(int daemonCpu, long ram, String device, long deviceBytes, int pages, int around, String... jvmOptions)
            throws IOException {
        this.pages = pages;
        long bytes = (long) pages * PAGE;
        // Touches out of order bring one page home each anyway.
        List<String> options = around > 1 ? List.of("--fault-around", Integer.toString(around)) : List.of();
        daemon = DaemonProcess.start(
                daemonCpu, new DaemonProcess.Managed(ram, device, deviceBytes), List.of(jvmOptions), options);
        // Not before the daemon is there: it would inherit that.
        BitSet first = new BitSet();
        first.set(0);
        bind(first);
        memory = daemon.open(ram);
        arena = memory.arena();
        segment = arena.allocate(bytes, BATCH * (long) PAGE);
        fillMixed();
    }

    /** Both the caller and the first thread, by which a daemon tells where this process runs. */
    private static void bind(BitSet cpus) {
        Cpus.bind(cpus);
        String pid = Long.toString(ProcessHandle.current().pid());
        String list = cpus.stream().mapToObj(Integer::toString).collect(Collectors.joining(","));
        try {
            Process taskset = new ProcessBuilder("taskset", "-p", "-c", list, pid).start();
            if (taskset.onExit().join().exitValue() != 0) {
                throw new IllegalStateException("taskset -p -c " + list + " " + pid + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Contents that compress to about half: numbers that grow, and random ones. */
    private void fillMixed() {
        Random r = new Random(7);
        for (long at = 0; at < segment.byteSize(); at += Long.BYTES) {
            segment.set(ValueLayout.JAVA_LONG, at, (at & 2048) == 0 ? r.nextLong() : at >> 3);
        }
    }

    /** Has the daemon answer a question, for which it makes objects. */
    void ask() {
        memory.status();
    }

    /** {@return how many milliseconds each collection of the daemon's garbage took, if it was told to log that} */
    List<Double> collections() {
        return daemon.logLines().stream()
                .map(COLLECTION::matcher)
                .filter(Matcher::find)
                .map(found -> Double.valueOf(found.group(1)))
                .toList();
    }

    long daemonPid() {
        return memory.daemonPid();
    }

    /** {@return what the command lines of the daemon and its keeper hold, and no others} */
    String marker() {
        return daemon.socket().toString();
    }

    /** Everything is in RAM when it returns. */
    void bringHome() {
        memory.prefetch(segment);
    }

    /** Every block once, in an order of its own, when none is in RAM; how long each first touch took. */
    long[] faults(int blockPages) {
        evictAll();
        return touch(blockPages);
    }

    /** Every block once, in an order of its own; how long each first touch took. */
    long[] touch(int blockPages) {
        int n = pages / blockPages;
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int i = n - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        long[] nanos = new long[n];
        touch(order, blockPages, nanos);
        return nanos;
    }

    /** Every page once, in order. */
    void touchAll() {
        int[] order = new int[pages];
        for (int i = 0; i < pages; i++) {
            order[i] = i;
        }
        touch(order, 1, new long[pages]);
    }

    private void touch(int[] order, int blockPages, long[] nanos) {
        long sum = 0;
        for (int i = 0; i < order.length; i++) {
            long at = (long) order[i] * blockPages * PAGE + (long) random.nextInt(blockPages) * PAGE;
            long begin = System.nanoTime();
            // Volatile, or the compiler may move the load, and with it the fault, to behind the clock.
            sum += (byte) BYTE.getVolatile(segment, at);
            nanos[i] = System.nanoTime() - begin;
        }
        if (sum == Long.MIN_VALUE) {
            throw new IllegalStateException("bytes cannot add up to that");
        }
    }

    /** Writes to every page, so that none is like its copy on a device. */
    void dirtyAll() {
        for (long at = 0; at < segment.byteSize(); at += PAGE) {
            segment.set(ValueLayout.JAVA_LONG, at, segment.get(ValueLayout.JAVA_LONG, at) + 1);
        }
    }

    /** Moves everything out; nanoseconds a page. */
    double evictAll() {
        long begin = System.nanoTime();
        long moved = memory.evict(segment).pages();
        long took = System.nanoTime() - begin;
        // A page whose fault was served just now may still be busy; it goes with the next request.
        for (int tries = 1; memory.residency(segment).ram() != 0; tries++) {
            if (tries == MOST_TRIES) {
                throw new IllegalStateException("some of " + pages + " pages do not leave RAM; moved: " + moved);
            }
            memory.evict(segment);
        }
        return (double) took / moved;
    }

    /** Brings everything home; bytes a nanosecond. */
    double promoteAll() {
        evictAll();
        long begin = System.nanoTime();
        long moved = memory.prefetch(segment).pages();
        long took = System.nanoTime() - begin;
        if (moved != pages) {
            throw new IllegalStateException(moved + " of " + pages + " pages came");
        }
        return (double) moved * PAGE / took;
    }

    @Override
    public void close() {
        arena.close();
        memory.close();
        daemon.close();
        // What is started from here on would else inherit it.
        bind(before);
    }
}
