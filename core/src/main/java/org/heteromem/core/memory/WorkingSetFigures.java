package org.heteromem.core.memory;

/**
 * What the pages of a {@link FrameBudget} did, as far as it decides which ones leave (Linux: the workingset lines of
 * /proc/vmstat).
 *
 * @param active pages that are protected now
 * @param inactive those of which nothing is known but when they came
 * @param behind those that a sequential reader has left behind
 * @param evictions pages that left RAM for a device so far
 * @param refaults how many of them came back
 * @param activations how many of those were protected
 * @param watched how often a page was watched, to see whether it is used before its turn to leave comes
 * @param accesses how many of those were seen to be used
 */
public record WorkingSetFigures(
        long active,
        long inactive,
        long behind,
        long evictions,
        long refaults,
        long activations,
        long watched,
        long accesses) {}
