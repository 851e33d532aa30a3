package org.heteromem.stress.soak;

import java.util.Map;

/**
 * What a soak did and that nothing was wrong.
 *
 * @param seed the seed
 * @param rounds machines made, run and checked
 * @param threads threads that ran at once
 * @param seconds how long they ran, checks not included
 * @param counts how often each thing was done, by name
 */
public record SoakReport(long seed, int rounds, int threads, double seconds, Map<String, Long> counts) {}
