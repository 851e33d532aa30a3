package org.heteromem.stress.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Runs the jcstress tests of this module (classes named {@code *Stress}), each for a second or two, on the reordering that this
 * machine does. Those named {@code ...Product} must hold; those named {@code ...Seeded...}, at least one beside each of the
 * former, have a race put in on purpose and must be found wrong.
 *
 * <p>For longer: {@code -Dheteromem.jcstress.millis=60000}.
 */
class ReorderingTest {
    /** How long each test of the product runs: where others use the machine, a second may bring few samples. */
    private static final String MILLIS = System.getProperty("heteromem.jcstress.millis", "2000");

    private static final String MILLIS_SEEDED = "800";
    /** What is rare on this machine gets more than one chance to show. */
    private static final int ROUNDS = 20;

    private static final String PACKAGE = "org.heteromem.";
    private static final String PRODUCT = "Product";
    private static final String SEEDED = "Seeded";
    /** A line of jcstress's list: a length, the name, and more. */
    private static final Pattern LISTED = Pattern.compile("JCTEST(\\d+)S(.*)");

    private static final Pattern FAILED = Pattern.compile("\\[FAILED] org\\.heteromem\\.(\\S+)");

    /** All tests that the build has made, without the package, by the part of the name that says product or seeded. */
    private static Set<String> tests(Predicate<String> kind) throws IOException {
        try (InputStream list = ReorderingTest.class.getResourceAsStream("/META-INF/TestList")) {
            return new String(Objects.requireNonNull(list).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(LISTED::matcher)
                    .filter(Matcher::matches)
                    .map(line -> line.group(2).substring(PACKAGE.length(), Integer.parseInt(line.group(1))))
                    .filter(kind)
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static boolean product(String name) {
        return name.endsWith(PRODUCT);
    }

    private static boolean seeded(String name) {
        return name.contains(SEEDED);
    }

    private static String run(Set<String> tests, String millis) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(Path.of("target", "jcstress"));
        String names =
                tests.stream().map(name -> Pattern.quote(PACKAGE + name) + "$").collect(Collectors.joining("|"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "org.openjdk.jcstress.Main"));
        command.addAll(List.of("-t", names, "-f", "1", "-fsm", "1", "-iters", "1", "-time", millis));
        command.addAll(List.of("-sc", "false", "-af", "NONE", "-hs", "256", "-r", "report"));
        // Few samples in use at a time: those of the translation cache come from a pool.
        command.addAll(List.of("-strideSize", "10", "-strideCount", "10"));
        // Who waits for the other thread spins, which is jcstress's own choice: threads that yield hardly ever meet.
        command.addAll(List.of("-jvmArgs", "-XX:+UseSerialGC -Xmx256m --enable-native-access=ALL-UNNAMED"));
        Path log = Files.createTempFile(folder.toAbsolutePath(), "jcstress", ".txt");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process.waitFor();
        return Files.readString(log);
    }

    private static String summary(int planned, int passed, int failed) {
        return "(Results: " + planned + " planned; " + passed + " passed, " + failed
                + " failed, 0 soft errs, 0 hard errs)";
    }

    @Test
    void everyTestHasATwinWithARace() throws Exception {
        Set<String> checked = new TreeSet<>();
        for (String name : tests(ReorderingTest::product)) {
            checked.add(name.substring(0, name.length() - PRODUCT.length()));
        }
        Set<String> seeded = new TreeSet<>();
        for (String name : tests(ReorderingTest::seeded)) {
            seeded.add(name.substring(0, name.indexOf(SEEDED)));
        }

        assertThat(tests(name -> !product(name) && !seeded(name)))
                .as("tests that are neither of the product nor seeded")
                .isEmpty();
        assertThat(checked).isNotEmpty().isEqualTo(seeded);
    }

    @Test
    void noReorderingBreaksThePlacesWhereThreadsMeet() throws Exception {
        Set<String> product = tests(ReorderingTest::product);
        assertThat(run(product, MILLIS)).contains(summary(product.size(), product.size(), 0));
    }

    @Test
    void racesPutInOnPurposeAreFound() throws Exception {
        Set<String> hidden = tests(ReorderingTest::seeded);
        for (int round = 0; round < ROUNDS && !hidden.isEmpty(); round++) {
            Matcher failed = FAILED.matcher(run(hidden, MILLIS_SEEDED));
            while (failed.find()) {
                hidden.remove(failed.group(1));
            }
        }
        assertThat(hidden).as("seeded races that were not found").isEmpty();
    }
}
