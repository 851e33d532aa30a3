package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.util.Map;

/** Prints names with a line about each. */
final class Listing {
    private Listing() {}

    /**
     * Prints.
     *
     * @param out where
     * @param lines a line for each name, in their order
     */
    static void print(PrintWriter out, Map<String, String> lines) {
        int width = lines.keySet().stream().mapToInt(String::length).max().orElse(1);
        lines.forEach((name, line) -> out.println(name + " ".repeat(width + 2 - name.length()) + line));
        out.flush();
    }
}
