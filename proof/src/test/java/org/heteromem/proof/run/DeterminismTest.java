package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.jupiter.api.Test;

/** In one thread the same seed gives the same events and the same outcomes, in another JVM too. */
class DeterminismTest {
    private static final long STEPS = 20_000;

    /** What the second JVM runs. */
    static final class Digest {
        private Digest() {}

        public static void main(String[] arguments) {
            System.out.print(digest(Long.parseLong(arguments[0])));
        }
    }

    /** Of worlds without storage, and with it. */
    static String digest(long seed) {
        Options options = Options.of(seed, STEPS, Checks.OUTCOMES).withDigest();
        return digest(options) + ' ' + digest(options.withStorage());
    }

    private static String digest(Options options) {
        return Objects.requireNonNull(new Fuzz(options).run().digest());
    }

    @Test
    void theSameSeedGivesTheSameEventsInAnotherJvm() throws IOException, InterruptedException {
        // Other heap, other collector, interpreted only at first: nothing of it may show.
        Process other = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Digest.class.getName(),
                        "77"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String here = digest(77);
        String there = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(other.waitFor()).isZero();
        assertThat(there).isEqualTo(here).hasSize(129);
    }

    @Test
    void anotherSeedGivesOtherEvents() {
        assertThat(digest(1)).isNotEqualTo(digest(2));
    }
}
