package org.heteromem.cli.workload;

/** What the jobs share when they look at their results. */
final class Results {
    private Results() {}

    /** Fails unless what the caller reads has been computed. */
    static void require(boolean computed) {
        if (!computed) {
            throw new IllegalStateException("the job has not run yet: call run and runPlain first");
        }
    }

    /** Whether two numbers have different bits: stricter than {@code !=}, and equal for equal NaNs. */
    static boolean differ(double expected, double actual) {
        return Double.doubleToRawLongBits(expected) != Double.doubleToRawLongBits(actual);
    }
}
