package org.heteromem.stress.soak;

import java.time.Duration;

/**
 * What a soak shall do.
 *
 * @param seed the same seed makes the same machines and the same choices in each thread; how threads interleave it cannot say
 * @param duration how long to go on, positive
 */
public record SoakOptions(long seed, Duration duration) {
    /** Checks the values. */
    public SoakOptions {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("a soak needs a positive duration, not " + duration);
        }
    }
}
