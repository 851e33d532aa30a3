package org.heteromem.live.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the system lets this process have. */
final class Limits {
    private static final Path OWN = Path.of("/proc/self/limits");
    private static final Pattern OPEN_FILES = Pattern.compile("Max open files +([0-9]+|unlimited) .*");

    private Limits() {}

    /** {@return how many descriptors it may have} */
    static long openFiles() {
        try (Stream<String> lines = Files.lines(OWN)) {
            return lines.map(OPEN_FILES::matcher)
                    .filter(Matcher::matches)
                    .map(match -> match.group(1))
                    .mapToLong(number -> number.equals("unlimited") ? Integer.MAX_VALUE : Long.parseLong(number))
                    .findFirst()
                    .orElse(Integer.MAX_VALUE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + OWN, e);
        }
    }
}
