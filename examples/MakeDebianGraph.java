import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;

/**
 * Makes the example files of this folder from a Debian package index.
 *
 * <p>Reads the decompressed {@code Packages} list on standard input and writes two files to the folder given as the
 * first argument: the dependency graph as an edge list, and the names with their one-line descriptions as text. The
 * same input gives the same bytes: nodes and edges are sorted, and the gzip header carries no time. How to call it is
 * in README.md.
 */
class MakeDebianGraph {
    private static final String RELEASE = "Debian 12 (bookworm), section main, amd64";

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: java MakeDebianGraph.java FOLDER < Packages");
            System.exit(2);
        }
        Path folder = Path.of(arguments[0]);
        TreeMap<String, Map<String, String>> packages = readPackages();
        writeGraph(packages, folder.resolve("debian-bookworm-depends.txt.gz"));
        writeText(packages, folder.resolve("debian-bookworm-packages.txt.gz"));
    }

    /** The stanzas of the index by package name; of a name that occurs twice the first stanza counts. */
    private static TreeMap<String, Map<String, String>> readPackages() throws IOException {
        TreeMap<String, Map<String, String>> packages = new TreeMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<String, String> stanza = new HashMap<>();
        for (String line = in.readLine(); ; line = in.readLine()) {
            if (line == null || line.isEmpty()) {
                String name = stanza.get("Package");
                if (name != null) {
                    packages.putIfAbsent(name, stanza);
                }
                stanza = new HashMap<>();
                if (line == null) {
                    return packages;
                }
            } else if (line.charAt(0) != ' ') {
                int colon = line.indexOf(':');
                stanza.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
    }

    private static void writeGraph(TreeMap<String, Map<String, String>> packages, Path file) throws IOException {
        TreeMap<String, SortedSet<String>> edges = new TreeMap<>();
        SortedSet<String> nodes = new TreeSet<>(packages.keySet());
        packages.forEach((name, stanza) -> {
            SortedSet<String> needed = new TreeSet<>();
            for (String field : List.of("Pre-Depends", "Depends", "Recommends")) {
                needed.addAll(alternatives(stanza.getOrDefault(field, "")));
            }
            needed.remove(name);
            edges.put(name, needed);
            nodes.addAll(needed);
        });
        List<String> names = new ArrayList<>(nodes);
        Map<String, Integer> ids = new HashMap<>();
        for (String name : names) {
            ids.put(name, ids.size());
        }
        int count = edges.values().stream().mapToInt(SortedSet::size).sum();
        try (PrintStream out = gzip(file)) {
            out.println("# Package dependencies of " + RELEASE + ".");
            out.println("# An edge 'a b': package a pre-depends on, depends on or recommends b, alternatives included.");
            out.println("# Nodes " + names.size() + ", edges " + count + "; a line '# node ID NAME' names a node.");
            for (int id = 0; id < names.size(); id++) {
                out.println("# node " + id + " " + names.get(id));
            }
            edges.forEach((name, needed) ->
                    needed.forEach(target -> out.println(ids.get(name) + " " + ids.get(target))));
        }
        System.err.println(file + ": " + names.size() + " nodes, " + count + " edges, " + Files.size(file) + " bytes");
    }

    private static void writeText(TreeMap<String, Map<String, String>> packages, Path file) throws IOException {
        try (PrintStream out = gzip(file)) {
            packages.forEach((name, stanza) -> out.println(name + " - " + stanza.getOrDefault("Description", "")));
        }
        System.err.println(file + ": " + packages.size() + " lines, " + Files.size(file) + " bytes");
    }

    /** The names in a relationship field: {@code "a (>= 1) | b, c:any"} gives a, b and c. */
    private static List<String> alternatives(String field) {
        List<String> names = new ArrayList<>();
        for (String part : field.split("[,|]")) {
            String name = part.strip().split("[ (\\[:]", 2)[0];
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
        return names;
    }

    private static PrintStream gzip(Path file) throws IOException {
        return new PrintStream(new GZIPOutputStream(Files.newOutputStream(file)), false, StandardCharsets.UTF_8);
    }
}
