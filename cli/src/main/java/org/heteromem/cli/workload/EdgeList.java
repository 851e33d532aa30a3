package org.heteromem.cli.workload;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.heteromem.cli.BadInputException;

/**
 * A directed graph, read from text with one edge a line.
 *
 * <p>A line holds the numbers of source and target, non-negative and below 2^63, separated by blanks, tabs or one
 * comma. Blank lines and lines that begin with {@code #} or {@code %} are skipped, except that a comment {@code # node
 * NUMBER NAME} names a node. Node numbers may have gaps: the graph numbers its nodes from 0 in the order in which edges
 * mention them. An edge that occurs twice counts twice.
 */
final class EdgeList {
    private static final String NAME_PREFIX = "# node ";
    private static final int MAX_QUOTED_CHARACTERS = 60;

    private final String origin;
    private final Map<Long, Integer> nodeByNumber = new HashMap<>();
    private final Map<Long, String> names = new HashMap<>();
    private long[] numbers = new long[1024];
    private int[] sources = new int[4096];
    private int[] targets = new int[4096];
    private int edges;

    private EdgeList(String origin) {
        this.origin = origin;
    }

    /**
     * Reads a graph from a file, plain or gzip.
     *
     * @throws BadInputException if the file cannot be read, has no edge or a bad line (named with number and text)
     */
    static EdgeList read(Path file) {
        return InputFile.read(file, in -> parse(in, file.toString()));
    }

    /** Reads the graph that comes with the program. */
    static EdgeList readExample(String name) {
        return InputFile.readExample(name, in -> parse(in, name));
    }

    private static EdgeList parse(InputStream in, String origin) throws IOException {
        EdgeList graph = new EdgeList(origin);
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        long lineNumber = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            graph.accept(line.strip(), ++lineNumber);
        }
        if (graph.edges == 0) {
            throw new BadInputException(origin + " holds no edge: expected lines 'SOURCE TARGET'");
        }
        return graph;
    }

    private void accept(String line, long lineNumber) {
        if (line.isEmpty() || line.charAt(0) == '%') {
            return;
        }
        if (line.charAt(0) == '#') {
            acceptComment(line);
            return;
        }
        int firstEnd = endOfNumber(line, 0);
        int second = skipSeparator(line, firstEnd);
        int secondEnd = endOfNumber(line, second);
        if (firstEnd == 0 || second == firstEnd || secondEnd == second || secondEnd != line.length()) {
            throw badLine(line, lineNumber, "expected two non-negative node numbers");
        }
        int source;
        int target;
        try {
            source = node(Long.parseLong(line, 0, firstEnd, 10));
            target = node(Long.parseLong(line, second, secondEnd, 10));
        } catch (NumberFormatException _) {
            throw badLine(line, lineNumber, "a node number is larger than " + Long.MAX_VALUE);
        }
        if (edges == sources.length) {
            sources = Arrays.copyOf(sources, edges * 2);
            targets = Arrays.copyOf(targets, edges * 2);
        }
        sources[edges] = source;
        targets[edges++] = target;
    }

    /** Remembers the name in a comment {@code # node NUMBER NAME}; every other comment is just that. */
    private void acceptComment(String line) {
        if (!line.startsWith(NAME_PREFIX)) {
            return;
        }
        int end = endOfNumber(line, NAME_PREFIX.length());
        if (end > NAME_PREFIX.length() && end - NAME_PREFIX.length() < 19 && end + 1 < line.length()) {
            names.put(Long.parseLong(line, NAME_PREFIX.length(), end, 10), line.substring(end + 1));
        }
    }

    private static int endOfNumber(String line, int start) {
        int end = start;
        while (end < line.length() && line.charAt(end) >= '0' && line.charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    private static int skipSeparator(String line, int start) {
        int end = start;
        boolean comma = false;
        while (end < line.length()
                && (Character.isWhitespace(line.charAt(end)) || (line.charAt(end) == ',' && !comma))) {
            comma |= line.charAt(end++) == ',';
        }
        return end;
    }

    private int node(long number) {
        Integer known = nodeByNumber.putIfAbsent(number, nodeByNumber.size());
        if (known != null) {
            return known;
        }
        int node = nodeByNumber.size() - 1;
        if (node == numbers.length) {
            numbers = Arrays.copyOf(numbers, node * 2);
        }
        numbers[node] = number;
        return node;
    }

    private BadInputException badLine(String line, long lineNumber, String reason) {
        String quoted =
                line.length() <= MAX_QUOTED_CHARACTERS ? line : line.substring(0, MAX_QUOTED_CHARACTERS) + "...";
        return new BadInputException(
                origin + ":" + lineNumber + ": " + reason + ", found '" + quoted.replaceAll("\\p{Cntrl}", "?") + "'");
    }

    /** How many nodes have an edge. */
    int nodes() {
        return nodeByNumber.size();
    }

    /** How many edges there are. */
    int edges() {
        return edges;
    }

    /** The source of an edge, as a node from 0. */
    int source(int edge) {
        return sources[edge];
    }

    /** The target of an edge, as a node from 0. */
    int target(int edge) {
        return targets[edge];
    }

    /** The name of a node, or its number in the file if it has none. */
    String name(int node) {
        return names.getOrDefault(numbers[node], Long.toString(numbers[node]));
    }
}
