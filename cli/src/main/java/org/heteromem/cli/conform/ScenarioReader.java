package org.heteromem.cli.conform;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.heteromem.cli.BadInputException;
import org.jspecify.annotations.Nullable;

/** Reads scenario files, plain or gzip, and checks every line before anything is replayed. */
final class ScenarioReader {
    /** Pages between two areas: none is larger. */
    static final int AREA_PAGES = 8192;

    private static final Pattern TASK = Pattern.compile("\\d{1,6}");
    private static final Pattern COUNT = Pattern.compile("\\d{1,6}");
    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");
    private static final Pattern PAGE = Pattern.compile("([A-Za-z][A-Za-z0-9_]*)\\+(\\d{1,6})");
    private static final Pattern VALUE = Pattern.compile("0|0x[0-9a-f]{1,16}");
    private static final Pattern WORDS = Pattern.compile(" +");
    private static final String ARROW = " -> ";

    private final Path file;
    private final List<Scenario> scenarios = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    private int line;
    private String text = "";
    private @Nullable String name;
    private int nameLine;
    private List<Step> steps = new ArrayList<>();
    /** The areas that each task knows by name. */
    private final Map<Integer, Set<String>> tasks = new HashMap<>();

    private ScenarioReader(Path file) {
        this.file = file;
    }

    /**
     * {@return the scenario files that a path stands for: itself, or the *.scn and *.scn.gz of a directory, by name}
     *
     * @param path what the user named
     */
    static List<Path> files(Path path) {
        if (!Files.exists(path)) {
            throw new BadInputException("no such file or directory: " + path);
        }
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> entries = Files.list(path)) {
            List<Path> found = entries.filter(
                            entry -> isScenarioFile(entry.getFileName().toString()))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new BadInputException("no scenario file (*.scn, *.scn.gz) in directory " + path);
            }
            return found;
        } catch (IOException e) {
            throw new BadInputException(path + ": cannot be read: " + e, e);
        }
    }

    private static boolean isScenarioFile(String name) {
        return name.endsWith(".scn") || name.endsWith(".scn.gz");
    }

    /**
     * {@return the scenarios of a file}
     *
     * @param file a scenario file, gzip if its name ends in .gz
     * @throws BadInputException for a line that cannot be read, with file, line and text
     */
    static List<Scenario> read(Path file) {
        ScenarioReader reader = new ScenarioReader(file);
        try (InputStream in = Files.newInputStream(file);
                InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(in) : in;
                BufferedReader lines = new BufferedReader(new InputStreamReader(
                        plain,
                        StandardCharsets.UTF_8
                                .newDecoder()
                                .onMalformedInput(CodingErrorAction.REPORT)
                                .onUnmappableCharacter(CodingErrorAction.REPORT)))) {
            for (String text = lines.readLine(); text != null; text = lines.readLine()) {
                reader.line(text);
            }
        } catch (CharacterCodingException e) {
            throw new BadInputException(file + ":" + (reader.line + 1) + ": not text in UTF-8", e);
        } catch (ZipException e) {
            throw new BadInputException(file + ": not a gzip file: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new BadInputException(file + ": cannot be read: " + e, e);
        }
        reader.finish();
        return reader.scenarios;
    }

    private BadInputException bad(String why) {
        return new BadInputException(file + ":" + line + ": " + why + ": " + text);
    }

    private void line(String raw) {
        line++;
        text = raw.strip();
        if (text.isEmpty() || text.startsWith("#")) {
            return;
        }
        if (text.startsWith("scenario ")) {
            finish();
            String found = text.substring("scenario ".length()).strip();
            if (found.isEmpty() || found.contains(" ")) {
                throw bad("a scenario needs a name of one word");
            }
            if (!names.add(found)) {
                throw bad("a second scenario of this name");
            }
            name = found;
            nameLine = line;
            tasks.put(0, new HashSet<>());
            return;
        }
        if (name == null) {
            throw bad("an operation before the first 'scenario NAME'");
        }
        steps.add(step());
    }

    private void finish() {
        if (name != null) {
            if (steps.isEmpty()) {
                throw new BadInputException(file + ":" + nameLine + ": scenario " + name + " has no operation");
            }
            scenarios.add(new Scenario(file, nameLine, name, steps));
        }
        name = null;
        steps = new ArrayList<>();
        tasks.clear();
    }

    private Step step() {
        int arrow = text.indexOf(ARROW);
        if (arrow < 0) {
            throw bad("no ' -> RESULT'");
        }
        String left = text.substring(0, arrow).strip();
        String expected = text.substring(arrow + ARROW.length()).strip();
        String[] words = WORDS.split(left);
        if (words.length < 2 || expected.isEmpty()) {
            throw bad("not 'TASK OPERATION ARGUMENTS -> RESULT'");
        }
        if (!TASK.matcher(words[0]).matches()) {
            throw bad("'" + words[0] + "' is not a task number");
        }
        int task = Integer.parseInt(words[0]);
        Set<String> areas = tasks.get(task);
        if (areas == null) {
            throw bad("there is no task " + task + " here");
        }
        Operation operation = Operation.of(words[1]);
        if (operation == null) {
            throw bad("unknown operation '" + words[1] + "'");
        }
        List<String> arguments = arguments(operation, words, areas);
        if (operation == Operation.EXIT) {
            tasks.remove(task);
        }
        return new Step(line, task, operation, arguments, left, expected);
    }

    /** Checks the arguments against the operation's shape; a range becomes three words: area, first page, count. */
    private List<String> arguments(Operation operation, String[] words, Set<String> areas) {
        List<String> out = new ArrayList<>();
        int at = 2;
        for (String part : operation.shape()) {
            if (part.equals("...")) {
                for (; at < words.length; at++) {
                    out.add(words[at]);
                }
                break;
            }
            if (part.startsWith("[")) {
                if (at < words.length) {
                    need(part.equals("[" + words[at] + "]"), words[at], part);
                    out.add(words[at++]);
                }
                continue;
            }
            if (at >= words.length) {
                throw bad("'" + operation.text() + "' needs: " + String.join(" ", operation.shape()));
            }
            String word = words[at++];
            if (part.equals("range")) {
                String count = at < words.length ? words[at++] : "";
                range(word, count, areas, out);
            } else {
                argument(part, word, areas);
                out.add(word);
            }
        }
        if (at < words.length) {
            throw bad("'" + words[at] + "' is one word too many for '" + operation.text() + "'");
        }
        if (operation == Operation.MAP) {
            mapping(out);
        }
        return out;
    }

    private void need(boolean good, String word, String what) {
        if (!good) {
            throw bad("'" + word + "' is not a good " + what);
        }
    }

    private void range(String page, String count, Set<String> areas, List<String> out) {
        Matcher matcher = PAGE.matcher(page);
        need(matcher.matches(), page, "AREA+PAGE");
        need(areas.contains(matcher.group(1)), matcher.group(1), "area: this task has none of that name");
        need(COUNT.matcher(count).matches() && Integer.parseInt(count) > 0, count, "number of pages");
        int end = Integer.parseInt(matcher.group(2)) + Integer.parseInt(count);
        need(end <= AREA_PAGES, page + " " + count, "range: an area has at most " + AREA_PAGES + " pages");
        out.add(matcher.group(1));
        out.add(matcher.group(2));
        out.add(count);
    }

    private void argument(String part, String word, Set<String> areas) {
        switch (part) {
            case "new-task" -> {
                need(TASK.matcher(word).matches(), word, "task number");
                Set<String> inherited = new HashSet<>(areas);
                if (tasks.putIfAbsent(Integer.parseInt(word), inherited) != null) {
                    throw bad("there is a task " + word + " already");
                }
            }
            case "new-area" -> {
                need(NAME.matcher(word).matches(), word, "name of an area");
                areas.add(word);
            }
            case "area" -> need(areas.contains(word), word, "area: this task has none of that name");
            case "device" ->
                need(word.length() == 1 && word.charAt(0) >= '0' && word.charAt(0) <= '3', word, "device: 0 to 3");
            case "count" -> need(COUNT.matcher(word).matches(), word, "number");
            case "value" -> need(VALUE.matcher(word).matches(), word, "value: hexadecimal after 0x, or 0");
            case "protection" -> need(Protections.of(word) != null, word, "protection: none, r or rw");
            case "access" -> need(word.equals("r") || word.equals("w"), word, "access: r or w");
            default -> {
                // Any word will do.
            }
        }
    }

    private void mapping(List<String> words) {
        need(
                Integer.parseInt(words.get(1)) > 0 && Integer.parseInt(words.get(1)) <= AREA_PAGES,
                words.get(1),
                "number of pages");
        String kind = words.size() > 2 ? words.get(2) : "";
        int expected = switch (kind) {
            case "anon", "shared", "anon-thp", "hugetlb" -> 4;
            case "file-private", "file-shared", "mixed" -> 5;
            default -> throw bad("'" + kind + "' is not a good kind of mapping");
        };
        if (words.size() != expected) {
            throw bad("wrong number of words for a mapping of kind " + kind);
        }
        argument("protection", words.get(expected - 1), Set.of());
    }
}
