package org.heteromem.cli.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * What a client says twice a second. One line of its output:
 *
 * <pre>{@code
 * beat DAEMON FAULTS EVICTIONS STEPS STEPS...
 * }</pre>
 *
 * @param daemonPid who serves it
 * @param faults pages that its threads waited for, since it began
 * @param evictions pages that left its RAM, since it began
 * @param steps operations of each thread
 */
record Beat(long daemonPid, long faults, long evictions, List<Long> steps) {
    private static final String WORD = "beat";
    private static final int NUMBERS = 3;

    /** Copies the list. */
    Beat {
        steps = List.copyOf(steps);
    }

    long operations() {
        return steps.stream().mapToLong(Long::longValue).sum();
    }

    /** As a line. */
    String line() {
        StringJoiner line = new StringJoiner(" ");
        line.add(WORD).add(Long.toString(daemonPid)).add(Long.toString(faults)).add(Long.toString(evictions));
        steps.forEach(one -> line.add(Long.toString(one)));
        return line.toString();
    }

    /** {@return what a line says; nothing if it is another kind of line} */
    static Optional<Beat> parse(String line) {
        String[] words = line.split(" ", -1);
        if (!words[0].equals(WORD) || words.length <= NUMBERS) {
            return Optional.empty();
        }
        List<Long> steps = new ArrayList<>();
        for (int i = 1 + NUMBERS; i < words.length; i++) {
            steps.add(Long.valueOf(words[i]));
        }
        return Optional.of(
                new Beat(Long.parseLong(words[1]), Long.parseLong(words[2]), Long.parseLong(words[3]), steps));
    }
}
