package org.heteromem.policy;

import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;

/**
 * Two first-in, first-out queues and a memory of what was evicted: the 2Q algorithm (Johnson and Shasha, VLDB 1994) in the
 * sizes of S3-FIFO (Yang and others, SOSP 2023), both without their use bits. A page that is missed before as many others were
 * evicted as RAM holds is protected; pages that come once never push those out.
 */
final class TwoQueues implements VictimPolicy {
    /** The share of RAM that is protected at most, in percent. */
    static final int PROTECTED_PERCENT = 90;

    @Override
    public String name() {
        return "2q";
    }

    @Override
    public String description() {
        return "pages missed within one RAM's worth of evictions are protected (2Q, S3-FIFO)";
    }

    @Override
    public PageList refault(WorkingSetView set, long distance, PageList evictedFrom) {
        return distance <= set.limit() ? PageList.ACTIVE : PageList.INACTIVE;
    }

    @Override
    public int activeVictims(WorkingSetView set, int wanted) {
        long over = set.active() - set.limit() * PROTECTED_PERCENT / 100;
        return Math.clamp(over, 0, wanted);
    }
}
