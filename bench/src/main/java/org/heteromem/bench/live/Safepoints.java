package org.heteromem.bench.live;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;

/**
 * How long a JVM waits until all of its threads stand still, where some of them may stand in a page fault: a thread stores
 * at random into memory of which three quarters are on a device, while {@code System.gc()} is called again and again.
 * {@code Safepoints plain|ram|compressed|file:PATH} is that program; the JVM's log of safepoints tells.
 */
public final class Safepoints {
    private static final long BYTES = 64L << 20;
    private static final int PART_IN_RAM = 4;
    private static final int COLLECTIONS = 400;
    /** What is compiled first is not counted. */
    private static final int NOT_COUNTED = 100;

    private static final long PAUSE_MILLIS = 5;
    private static final Pattern REACHED = Pattern.compile("Reaching safepoint: +(\\d+) ns");

    private Safepoints() {}

    /**
     * Runs the program.
     *
     * @param arguments see above
     */
    public static void main(String[] arguments) {
        if (arguments[0].equals("plain")) {
            try (Arena arena = Arena.ofShared()) {
                touch(arena.allocate(BYTES, Live.PAGE));
            }
            return;
        }
        try (Heteromem memory = Heteromem.open(Options.ram(BYTES / PART_IN_RAM).overflow(arguments[0], 2 * BYTES));
                Arena arena = memory.sharedArena()) {
            touch(arena.allocate(BYTES, Live.PAGE));
        }
    }

    private static void touch(MemorySegment segment) {
        // Not all the same, and it compresses.
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            segment.set(ValueLayout.JAVA_LONG, at, at * at >>> 7);
        }
        AtomicBoolean stop = new AtomicBoolean();
        SplittableRandom random = new SplittableRandom(1);
        Thread thread = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                segment.set(ValueLayout.JAVA_LONG, random.nextLong(BYTES / Long.BYTES) * Long.BYTES, 1);
            }
        });
        for (int i = 0; i < NOT_COUNTED + COLLECTIONS; i++) {
            System.gc();
            DaemonProcess.sleep(PAUSE_MILLIS);
        }
        stop.set(true);
        LiveBenchmark.join(thread);
    }

    /** {@return how long the threads of that program took to stand still, with its memory there} */
    static Samples measure(String memory) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:MaxDirectMemorySize=1g",
                        "-Xlog:safepoint",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Safepoints.class.getName(),
                        memory)
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.onExit().join().exitValue();
        long[] nanos = REACHED.matcher(output)
                .results()
                .mapToLong(found -> Long.parseLong(found.group(1)))
                .skip(NOT_COUNTED)
                .toArray();
        if (status != 0 || nanos.length < COLLECTIONS) {
            throw new IllegalStateException(
                    "the program with its memory in " + memory + " ended with status " + status + ": " + output);
        }
        return new Samples(nanos);
    }
}
