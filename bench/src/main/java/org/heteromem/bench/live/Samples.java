package org.heteromem.bench.live;

import java.util.Arrays;

/** Durations in nanoseconds, in ascending order. */
final class Samples {
    private final long[] sorted;

    Samples(long[] nanos) {
        sorted = nanos.clone();
        Arrays.sort(sorted);
    }

    /** {@return what the given part of the samples does not exceed, in microseconds} */
    double micros(double part) {
        return sorted[(int) Math.min(sorted.length - 1, (long) (sorted.length * part))] / 1e3;
    }

    /** {@return the one in the middle; of two the larger} */
    static double median(double... values) {
        double[] copy = values.clone();
        Arrays.sort(copy);
        return copy[copy.length / 2];
    }
}
