package org.heteromem.cli.conform;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a scenario.
 *
 * @param line its line in the file, from 1
 * @param task the number of the process that does it
 * @param operation what it does
 * @param words the arguments
 * @param text the operation as written, without the result
 * @param expected the result that Linux gave
 */
record Step(int line, int task, Operation operation, List<String> words, String text, String expected) {
    Step {
        words = List.copyOf(words);
    }

    String word(int i) {
        return words.get(i);
    }

    /** The number at an argument; the reader has checked it. */
    int number(int i) {
        return Integer.parseInt(words.get(i));
    }

    /** The value at an argument: hexadecimal, or 0. */
    long value(int i) {
        return value(words.get(i));
    }

    static long value(String word) {
        return word.equals("0") ? 0 : Long.parseUnsignedLong(word.substring(2), 16);
    }

    /**
     * {@return the operation that this core does not have yet, by the name under which it is counted, or null}
     */
    @Nullable
    String unsupported() {
        return switch (operation) {
            case MAP -> {
                String kind = words.get(2);
                yield kind.equals("anon") || kind.equals("shared") ? null : "map " + kind;
            }
            case ADVISE -> words.get(3).equals("collapse") ? "advise collapse" : null;
            case FILE, TRUNCATE, PUNCH, PWRITE, PREAD -> operation.text();
            case MBIND, SET_MEMPOLICY, WHERE, MOVE_TO, MIGRATE_PAGES -> operation.text();
            default -> expected.contains("+pmd") ? "2 MiB pages" : null;
        };
    }
}
