package org.heteromem.policy;

import java.util.Arrays;
import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;

/**
 * Adds access sampling to another policy: the oldest pages of every list are watched, and one that is used before its turn to
 * leave comes becomes the newest of its list. So FIFO becomes second chance (segmented FIFO; Turner and Levy 1981), which paid
 * for its access bits with faults too.
 *
 * <p>Who reads page after page uses each once and would keep what he is done with: from the fourth page in sequence on, uses
 * do not count. A twenty-fourth part of RAM is watched, as a rule more than a daemon evicts at a time: still more would cost as
 * many faults more as it saves at best (docs/performance.md).
 */
final class Sampling implements VictimPolicy {
    private static final int PART = 24;
    private static final int IN_SEQUENCE = 3;
    /**
     * So many pages leave at most while a reader goes from one page to the next. Pages are watched in the order in which they
     * came: what is used all the time is seen in that order too, but not so soon one after the other.
     */
    private static final int SOON = 16;
    /** Sequences that are known at a time; a power of two. */
    private static final int SEQUENCES = 64;

    private static final long MIX = 0x9E37_79B9_7F4A_7C15L;
    private static final long NONE = -1;

    private final VictimPolicy policy;
    /** The pages that readers would use next, each in a place of its number, and how many they have used one after the other. */
    private final long[] expected = new long[SEQUENCES];

    private final int[] lengths = new int[SEQUENCES];
    /** How many pages had left RAM when the page before was used. */
    private final long[] since = new long[SEQUENCES];

    Sampling(VictimPolicy policy) {
        this.policy = policy;
        Arrays.fill(expected, NONE);
    }

    @Override
    public String name() {
        return policy.name() + Policies.SAMPLING;
    }

    @Override
    public String description() {
        return policy.description() + "; what is used shortly before it would leave stays";
    }

    @Override
    public boolean samples() {
        return true;
    }

    @Override
    public long window(WorkingSetView set) {
        return Math.max(1, set.limit() / PART);
    }

    @Override
    public boolean access(WorkingSetView set, long page) {
        int place = place(page);
        int length = 0;
        if (expected[place] == page) {
            length = set.evictions() - since[place] <= SOON ? lengths[place] : 0;
            expected[place] = NONE;
        }
        int next = place(page + 1);
        expected[next] = page + 1;
        lengths[next] = Math.min(length + 1, IN_SEQUENCE);
        since[next] = set.evictions();
        return length < IN_SEQUENCE;
    }

    private static int place(long page) {
        return (int) (page * MIX >>> Long.numberOfLeadingZeros(SEQUENCES) + 1);
    }

    @Override
    public PageList refault(WorkingSetView set, long distance, PageList evictedFrom) {
        return policy.refault(set, distance, evictedFrom);
    }

    @Override
    public int activeVictims(WorkingSetView set, int wanted) {
        return policy.activeVictims(set, wanted);
    }

    @Override
    public boolean dropsBehind() {
        return policy.dropsBehind();
    }
}
