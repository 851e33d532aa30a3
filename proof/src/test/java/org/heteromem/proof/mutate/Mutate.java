package org.heteromem.proof.mutate;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Applies each mutant of {@code mutants.txt} to a copy of the one class it is for, compiles that and runs {@link Victim}
 * with it. The checkout is only read; copies live in {@code proof/target/mutants}. Arguments: the checkout; then, if not all
 * shall run, parts of names. Exit code 1 if a mutant survived or cannot be applied.
 */
final class Mutate {
    /** The victim has patience of its own; this is for one that is too far gone to tell. */
    private static final long MOST_SECONDS = 1800;

    private static final String CAUGHT = "CAUGHT";

    /** One deliberate defect: what to replace in a source file of a module, and what by. */
    record Mutant(String name, String module, Path file, String search, String replace) {
        Path source(Path root) {
            return root.resolve(module).resolve("src/main/java").resolve(file);
        }

        /** {@return whether the place is found, and is the only one} */
        boolean fits(String text) {
            int at = text.indexOf(search);
            return at >= 0 && text.indexOf(search, at + 1) < 0;
        }
    }

    private final Path root;
    private final Path work;

    private Mutate(Path root) {
        this.root = root;
        this.work = root.resolve("proof/target/mutants");
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Mutate mutate = new Mutate(Path.of(arguments[0]).toAbsolutePath().normalize());
        List<String> wanted = Arrays.asList(arguments).subList(1, arguments.length);
        int run = 0;
        int caught = 0;
        if (wanted.isEmpty()) {
            // What fails anyway catches nothing.
            mutate.deleteWork();
            String verdict = mutate.run(Files.createDirectories(mutate.work.resolve("classes")), "");
            System.out.println("no defect\n    " + verdict);
            if (verdict.startsWith(CAUGHT)) {
                System.exit(1);
            }
        }
        for (Mutant mutant : read(mutate.root)) {
            if (wanted.isEmpty() || wanted.stream().anyMatch(mutant.name()::contains)) {
                System.out.println(mutant.name());
                String verdict = mutate.judge(mutant);
                System.out.println("    " + verdict);
                run++;
                caught += verdict.startsWith(CAUGHT) ? 1 : 0;
            }
        }
        System.out.println(run + " mutants, " + caught + " caught");
        System.exit(caught == run && run > 0 ? 0 : 1);
    }

    static List<Mutant> read(Path root) throws IOException {
        List<Mutant> mutants = new ArrayList<>();
        String all = Files.readString(root.resolve("proof/src/test/resources/mutants.txt"));
        for (String block : all.split("(?m)^== ", -1)) {
            String[] parts = block.split("(?m)^(<<<|===|>>>)\n", -1);
            if (parts.length < 3) {
                continue;
            }
            String[] head = parts[0].split("\n", -1);
            Path file = Path.of(head[1].strip());
            mutants.add(new Mutant(
                    head[0].strip(),
                    file.getName(0).toString(),
                    Path.of("org/heteromem").resolve(file),
                    parts[1].strip(),
                    parts[2].strip()));
        }
        return mutants;
    }

    private String judge(Mutant mutant) throws IOException, InterruptedException {
        String text = Files.readString(mutant.source(root));
        if (!mutant.fits(text)) {
            return "BROKEN: the text to replace must occur once in " + mutant.file();
        }
        deleteWork();
        Path patched = work.resolve("src").resolve(mutant.file());
        Files.createDirectories(patched.getParent());
        Files.writeString(patched, text.replace(mutant.search(), mutant.replace()));
        Path classes = Files.createDirectories(work.resolve("classes"));
        String errors = compile(patched, classes);
        if (!errors.isEmpty()) {
            return "BROKEN: does not compile: " + errors;
        }
        return run(classes, mutant.module());
    }

    private String run(Path classes, String module) throws IOException, InterruptedException {
        Path out = work.resolve("out.txt");
        Process victim = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-ea",
                        "-Xmx1g",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classes + File.pathSeparator + System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        module)
                .directory(root.resolve("cli").toFile())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        Thread stop = Thread.ofPlatform().unstarted(victim::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(stop);
        boolean ended = victim.waitFor(MOST_SECONDS, TimeUnit.SECONDS);
        victim.destroyForcibly().waitFor();
        Runtime.getRuntime().removeShutdownHook(stop);
        List<String> lines;
        // What a mutant prints need not be text.
        try (Stream<String> read =
                Files.readString(out, StandardCharsets.ISO_8859_1).lines()) {
            lines = read.toList();
        }
        return lines.stream()
                .filter(line -> line.startsWith(CAUGHT) || line.startsWith("SURVIVED"))
                .findFirst()
                .orElse(CAUGHT + (ended ? " by a crash: exit code " + victim.exitValue() : " by patience"));
    }

    /** One class against the classes of the real modules: they differ in nothing that others see. */
    private static String compile(Path patched, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter errors = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            List<String> options = List.of(
                    "-nowarn",
                    "-proc:none",
                    "-implicit:none",
                    "-d",
                    classes.toString(),
                    "-cp",
                    System.getProperty("java.class.path"));
            boolean done = compiler.getTask(errors, files, null, options, null, files.getJavaFileObjects(patched))
                    .call();
            return done ? "" : errors.toString();
        }
    }

    private void deleteWork() throws IOException {
        if (!Files.exists(work)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(work)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
