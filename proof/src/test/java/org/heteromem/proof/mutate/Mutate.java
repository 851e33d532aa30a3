package org.heteromem.proof.mutate;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Applies each mutant of {@code mutants.txt} to a copy of the core, compiles it and runs {@link Victim} against it. Arguments:
 * the checkout; then, if not all shall run, parts of names. Exit code 1 if a mutant survived.
 */
final class Mutate {
    /** A mutant that makes something wait for ever is caught by patience. */
    private static final long MOST_SECONDS = 240;

    private record Mutant(String item, String what, String file, String search, String replace) {}

    private final Path root;
    private final Path work;

    private Mutate(Path root, Path work) {
        this.root = root;
        this.work = work;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path root = Path.of(arguments[0]).toAbsolutePath().normalize();
        Mutate mutate = new Mutate(root, Files.createTempDirectory("mutants"));
        List<Mutant> mutants = mutate.read();
        int survived = 0;
        int run = 0;
        for (Mutant mutant : mutants) {
            String name = mutant.item() + ' ' + mutant.what();
            boolean wanted = arguments.length == 1;
            for (int i = 1; i < arguments.length; i++) {
                wanted |= name.contains(arguments[i]);
            }
            if (wanted) {
                String verdict = mutate.judge(mutant);
                System.out.println(name + "\n    " + verdict);
                run++;
                survived += verdict.startsWith("CAUGHT") ? 0 : 1;
            }
        }
        System.out.println(run + " mutants, " + (run - survived) + " caught");
        System.exit(survived == 0 ? 0 : 1);
    }

    private List<Mutant> read() throws IOException {
        Path file = root.resolve("proof/src/test/resources/mutants.txt");
        List<Mutant> mutants = new ArrayList<>();
        for (String block : Files.readString(file).split("(?m)^== ", -1)) {
            String[] parts = block.split("(?m)^(<<<|===|>>>)\n", -1);
            if (parts.length < 3) {
                continue;
            }
            String[] head = parts[0].split("\n", -1);
            String[] title = head[0].split(": ", 2);
            mutants.add(new Mutant(
                    title[0],
                    title[1],
                    "core/src/main/java/org/heteromem/core/" + head[1].strip(),
                    parts[1].strip(),
                    parts[2].strip()));
        }
        return mutants;
    }

    private String judge(Mutant mutant) throws IOException, InterruptedException {
        Path sources = root.resolve("core/src/main/java");
        Path file = root.resolve(mutant.file());
        String text = Files.readString(file);
        int at = text.indexOf(mutant.search());
        if (at < 0 || text.indexOf(mutant.search(), at + 1) >= 0) {
            return "BROKEN: the text to replace must occur once in " + mutant.file();
        }
        Path patched = work.resolve("src").resolve(sources.relativize(file));
        Files.createDirectories(patched.getParent());
        Files.writeString(patched, text.replace(mutant.search(), mutant.replace()));
        Path classes = Files.createTempDirectory(work, "classes");
        String errors = compile(patched, classes);
        if (!errors.isEmpty()) {
            return "BROKEN: does not compile: " + errors;
        }
        Process victim = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-ea",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classes + java.io.File.pathSeparator + System.getProperty("java.class.path"),
                        Victim.class.getName())
                .directory(root.resolve("cli").toFile())
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("out.txt").toFile())
                .start();
        if (!victim.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) {
            victim.destroyForcibly().waitFor();
            return "CAUGHT by patience: it did not end within " + MOST_SECONDS + " s";
        }
        try (Stream<String> lines = Files.lines(work.resolve("out.txt"), StandardCharsets.UTF_8)) {
            return lines.filter(line -> line.startsWith("CAUGHT") || line.startsWith("SURVIVED"))
                    .findFirst()
                    .orElse("CAUGHT by a crash: exit code " + victim.exitValue());
        }
    }

    /** One class against the classes of the real core: they differ in nothing that others see. */
    private String compile(Path patched, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter errors = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            boolean done = compiler.getTask(
                            errors,
                            files,
                            null,
                            List.of(
                                    "-nowarn",
                                    "-proc:none",
                                    "-implicit:none",
                                    "-d",
                                    classes.toString(),
                                    "-cp",
                                    System.getProperty("java.class.path")),
                            null,
                            files.getJavaFileObjects(patched))
                    .call();
            return done ? "" : errors.toString();
        }
    }
}
