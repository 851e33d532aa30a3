package org.heteromem.stress.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * The soak as part of every build. {@code -Dheteromem.soak.seconds} and {@code -Dheteromem.soak.seed} change how long and
 * with which choices.
 */
class SoakTest {
    private static final long SECONDS = Long.getLong("heteromem.soak.seconds", 60);
    private static final long SEED = Long.getLong("heteromem.soak.seed", 20_260_715);

    @Test
    void everyWordIsRightWhileEverythingHappensAtOnce() {
        SoakReport report = new Soak(new SoakOptions(SEED, Duration.ofSeconds(SECONDS))).run(System.out::println);

        assertThat(report.counts()).hasSize(Tally.values().length);
        // A soak in which something never happened would prove nothing about it.
        assertThat(report.counts())
                .allSatisfy((what, times) -> assertThat(times).as(what).isPositive());
    }
}
