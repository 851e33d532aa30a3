package org.heteromem.bench.live;

/** Where the daemon runs, seen from the thread that faults, which is on CPU 0. */
enum Where {
    /** On CPU 1. */
    OTHER_CPU(1, "other CPU"),
    /** On CPU 0 too. */
    SAME_CPU(0, "same CPU");

    final int cpu;
    final String words;

    Where(int cpu, String words) {
        this.cpu = cpu;
        this.words = words;
    }
}
