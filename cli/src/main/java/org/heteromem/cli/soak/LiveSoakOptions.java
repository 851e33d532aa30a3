package org.heteromem.cli.soak;

import java.time.Duration;

/**
 * What a soak of live mode shall do.
 *
 * @param seed makes the choices of every thread, and when who is killed; how processes interleave it cannot say
 * @param duration how long to go on before everything is checked a last time, positive
 * @param killsPerMinute how many daemons, keepers and clients are killed a minute, on average; 0 for none
 * @param lifeSeconds how long a client lives at most; many live shorter
 * @param defectAfter after so many operations each thread damages a word behind its own back, which the soak must find: for
 *     tests of the soak; 0 for never
 */
public record LiveSoakOptions(long seed, Duration duration, double killsPerMinute, int lifeSeconds, long defectAfter) {
    /** Most kills a minute: a daemon needs its time to start. */
    public static final double MAX_KILLS_PER_MINUTE = 120;

    /** A client's longest life, if nobody says another. */
    public static final int LIFE_SECONDS = 40;

    /** An hour. */
    public static final int MAX_LIFE_SECONDS = 3600;

    /** Checks the values. */
    public LiveSoakOptions {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("a soak needs a positive duration, not " + duration);
        }
        if (!(killsPerMinute >= 0 && killsPerMinute <= MAX_KILLS_PER_MINUTE)) {
            throw new IllegalArgumentException(
                    killsPerMinute + " kills a minute: from 0 to " + (long) MAX_KILLS_PER_MINUTE + " make sense");
        }
        if (lifeSeconds < 1 || lifeSeconds > MAX_LIFE_SECONDS) {
            throw new IllegalArgumentException(
                    "a life of " + lifeSeconds + " seconds: from 1 to " + MAX_LIFE_SECONDS + " make sense");
        }
        if (defectAfter < 0) {
            throw new IllegalArgumentException("a defect after " + defectAfter + " operations");
        }
    }
}
