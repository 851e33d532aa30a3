package org.heteromem.policy;

import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;

/**
 * Protects what is missed soon, and looks whether that was right. A page that is wanted again before as many others left as
 * RAM holds is activated, as by {@link TwoQueues}. Now and then a protected page is evicted, and whether it comes back as
 * soon is the yield of the active list:
 *
 * <pre>
 *   yield      what it tells                              what follows
 *   high       protected pages are needed                 the list is kept: most newcomers wait outside
 *   middling   some are                                   newcomers push out the oldest
 *   low        pages are needed once more, then never     the list shrinks, which leaves more to plain age
 * </pre>
 *
 * What a sequential reader has gone past leaves first, so that it does not push out what it will read next.
 *
 * <p>So a loop somewhat larger than RAM keeps most of itself, a hot set survives scans, and a window that slides over memory,
 * where protection would only get in the way, falls back to first in, first out. The yield is taken over half as many
 * evictions as RAM holds pages: long enough for most pages that come back soon to be back. Its figures were chosen by the
 * streams of docs/performance.md.
 */
final class RefaultVictims implements VictimPolicy {
    private static final double MOST = 0.9;
    /** Nothing is proven yet. */
    private static final double FIRST = 0.3;

    private static final double LEAST = 0.1;
    /** One of so many victims is protected: the probe that tells the yield while nothing else does. */
    private static final int PROBE_EVERY = 64;
    /** One of so many newcomers is let in while the active list is worth keeping, as the yield of the oldest is not all. */
    private static final int LET_IN_EVERY = 16;
    /** Fewer evictions than this tell nothing. */
    private static final int FEWEST = 16;

    private static final double HIGH = 0.75;
    private static final double FAIR = 0.5;
    private static final double LOW = 0.25;
    private static final double SHRINK = 0.7;
    private static final double GROW = 1.5;

    private double share = FIRST;
    private double worth = HIGH;
    private long since;
    private long tried;
    private long cameBack;
    private int newcomers;
    private int victims;

    @Override
    public String name() {
        return "refault";
    }

    @Override
    public String description() {
        return "pages missed soon are protected, as long as that proves right (2Q that adapts)";
    }

    @Override
    public PageList refault(WorkingSetView set, long distance, PageList evictedFrom) {
        if (distance > set.limit()) {
            return PageList.INACTIVE;
        }
        if (evictedFrom == PageList.ACTIVE) {
            cameBack++;
        }
        if (set.active() < room(set) || worth < HIGH) {
            return PageList.ACTIVE;
        }
        newcomers = (newcomers + 1) % LET_IN_EVERY;
        return newcomers == 0 ? PageList.ACTIVE : PageList.INACTIVE;
    }

    @Override
    public boolean dropsBehind() {
        return true;
    }

    private long room(WorkingSetView set) {
        return (long) (share * set.limit());
    }

    @Override
    public int activeVictims(WorkingSetView set, int wanted) {
        learn(set);
        long take = Math.min(set.active() - room(set), wanted);
        if (take <= 0) {
            victims += wanted;
            take = Math.min(Math.min(victims / PROBE_EVERY, wanted), set.active());
            victims %= PROBE_EVERY;
        }
        tried += take;
        return (int) take;
    }

    private void learn(WorkingSetView set) {
        if (set.evictions() - since < set.limit() / 2 || tried < FEWEST) {
            return;
        }
        worth = (double) cameBack / tried;
        if (worth < LOW) {
            share = Math.max(LEAST, share * SHRINK);
        } else if (worth > FAIR) {
            share = Math.min(MOST, share * GROW);
        }
        since = set.evictions();
        tried = 0;
        cameBack = 0;
    }
}
