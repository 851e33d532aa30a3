package org.heteromem.live.natives;

/** Assertions for code that also runs in a JVM without a test library. */
public final class Require {
    private Require() {}

    public static void that(boolean holds, String expected) {
        if (!holds) {
            throw new AssertionError("expected: " + expected);
        }
    }

    public static void equal(long actual, long expected, String what) {
        if (actual != expected) {
            throw new AssertionError(what + " is " + actual + ", expected " + expected);
        }
    }
}
