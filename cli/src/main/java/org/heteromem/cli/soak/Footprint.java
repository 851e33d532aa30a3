package org.heteromem.cli.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What a process has of its own; source: {@code /proc/PID}.
 *
 * @param bytes of memory that is of no file, in RAM (RssAnon)
 * @param descriptors that are open
 */
record Footprint(long bytes, long descriptors) {
    private static final String ANONYMOUS = "RssAnon:";
    private static final long KIB = 1024;

    /**
     * {@return that of a process}
     *
     * @throws IOException if it has ended
     */
    static Footprint of(long pid) throws IOException {
        Path process = Path.of("/proc", Long.toString(pid));
        long kibibytes = 0;
        for (String line : Files.readAllLines(process.resolve("status"))) {
            if (line.startsWith(ANONYMOUS)) {
                kibibytes = Long.parseLong(
                        line.substring(ANONYMOUS.length()).replace("kB", "").strip());
            }
        }
        try (Stream<Path> open = Files.list(process.resolve("fd"))) {
            return new Footprint(kibibytes * KIB, open.count());
        }
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%d MiB of its own, %d descriptors", bytes >> 20, descriptors);
    }
}
