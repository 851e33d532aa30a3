package org.heteromem.cli.workload;

/**
 * The share of one of several parties in the indices {@code 0 .. count-1}: {@code from} inclusive to {@code to}
 * exclusive. The shares of all parties are disjoint, cover everything, and differ by at most one index in size.
 */
record Slice(int from, int to) {
    static Slice of(int count, int part, int parts) {
        return new Slice((int) ((long) count * part / parts), (int) ((long) count * (part + 1) / parts));
    }
}
