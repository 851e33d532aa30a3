package org.heteromem.stress.soak;

import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** Keeps those who take the exclusive lock from having it all the time. */
final class Pause {
    private Pause() {}

    /** Sleeps for a random time up to twice the given number of 100 microseconds. */
    static void after(SplittableRandom random, int hundredMicros) {
        LockSupport.parkNanos(random.nextLong(2L * hundredMicros * 100_000L) + 1);
    }
}
