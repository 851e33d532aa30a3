package org.heteromem.core.frame;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.heteromem.core.memory.WorkingSetFigures;
import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;
import org.jspecify.annotations.Nullable;

/**
 * What the nodes of RAM that share one budget have in common: the LRU lock, the sizes of their lists, and the clock of
 * evictions by which the victim policy tells a page that was missed soon from one that was not (Linux: lruvec, workingset).
 *
 * <p>When a page leaves, a shadow stays in its place, that is in the links of its frame, which nobody else can get:
 *
 * <pre>
 *   63                                 2   1   0
 *  +------------------------------------+-------+
 *  | time of eviction, from 1           | list  |     the list that it was on; 0 is no shadow
 *  +------------------------------------+-------+
 * </pre>
 *
 * Everything is guarded by the lock.
 */
public final class WorkingSet implements WorkingSetView {
    private static final int SPINS_BEFORE_YIELD = 200;
    private static final int LIST_BITS = 2;
    private static final PageList[] LISTS = PageList.values();

    private final ReentrantLock lock = new ReentrantLock();
    private final VictimPolicy policy;
    private final boolean dropsBehind;
    private final boolean samples;
    private final LongSupplier limit;
    final Lru.Tally active = new Lru.Tally();
    final Lru.Tally inactive = new Lru.Tally();
    final Lru.Tally behind = new Lru.Tally();
    private long evictions;
    private long refaults;
    private long activations;
    private long watched;
    private long accesses;

    /** What the policy threw when nobody could be told, and nobody was told yet. */
    private @Nullable Throwable failure;

    /**
     * Makes an empty one.
     *
     * @param policy who decides; used by nobody else
     * @param limit how many pages may be in RAM
     */
    public WorkingSet(VictimPolicy policy, LongSupplier limit) {
        this.policy = policy;
        this.dropsBehind = policy.dropsBehind();
        this.samples = policy.samples();
        this.limit = limit;
    }

    /**
     * Takes the LRU lock by spinning: it is held for tens of nanoseconds, or for one batch, and a thread that parks for it
     * costs more than all it waits for.
     */
    void lock() {
        for (int spins = 0; !lock.tryLock(); spins++) {
            if (spins < SPINS_BEFORE_YIELD) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    void unlock() {
        lock.unlock();
    }

    boolean isLocked() {
        return lock.isLocked();
    }

    /** {@return the shadow of a page that leaves RAM now (Linux: workingset_eviction)} */
    long evict(PageList from) {
        return ++evictions << LIST_BITS | from.ordinal();
    }

    /** {@return the list that a page was on which left this shadow} */
    static PageList list(long shadow) {
        return LISTS[(int) shadow & (1 << LIST_BITS) - 1];
    }

    /** {@return the eviction, counted from 1, that left this shadow} */
    public static long time(long shadow) {
        return shadow >>> LIST_BITS;
    }

    /** {@return the list that a page goes to which left this shadow (Linux: workingset_refault)} */
    PageList refault(long shadow) {
        refaults++;
        PageList to = PageList.INACTIVE;
        try {
            to = policy.refault(this, evictions - time(shadow), list(shadow));
        } catch (RuntimeException | Error e) {
            // Whoever brings the page home must finish what it does; who looks for victims next is told.
            failure = failure == null ? e : failure;
        }
        if (to == PageList.ACTIVE) {
            activations++;
        }
        return to;
    }

    /** {@return whether the policy wants pages that were left behind to leave first} */
    boolean dropsBehind() {
        return dropsBehind;
    }

    /**
     * Tells of a policy that failed.
     *
     * @throws IllegalStateException once, if the policy threw when a page came home, was watched or used
     */
    void requirePolicy() {
        lock();
        try {
            Throwable broken = failure;
            if (broken != null) {
                failure = null;
                throw new IllegalStateException(
                        "the victim policy '" + policy.name() + "' failed when a page came home, was watched or used",
                        broken);
            }
        } finally {
            unlock();
        }
    }

    /** {@return how many of the next victims the policy wants from active lists} */
    int activeVictims(int wanted) {
        lock();
        try {
            return Math.clamp(policy.activeVictims(this, wanted), 0, wanted);
        } finally {
            unlock();
        }
    }

    /** {@return whether the policy wants old pages to be watched} */
    public boolean samples() {
        return samples;
    }

    /** {@return how many of the oldest pages of every list are to be watched}; with the lock held */
    long window() {
        try {
            return samples ? Math.clamp(policy.window(this), 0, limit.getAsLong()) : 0;
        } catch (RuntimeException | Error e) {
            // Whoever watches may be serving a page fault; who looks for victims next is told.
            failure = failure == null ? e : failure;
            return 0;
        }
    }

    /** Says that so many pages more are watched; with the lock held. */
    void watch(int more) {
        watched += more;
    }

    /** {@return whether a page that was watched, and is used, becomes the newest of its list}; with the lock held */
    boolean access(long page) {
        accesses++;
        try {
            return policy.access(this, page);
        } catch (RuntimeException | Error e) {
            // A page fault waits; who looks for victims next is told.
            failure = failure == null ? e : failure;
            return true;
        }
    }

    /** {@return a moment's figures} */
    public WorkingSetFigures figures() {
        lock();
        try {
            return new WorkingSetFigures(
                    active.pages, inactive.pages, behind.pages, evictions, refaults, activations, watched, accesses);
        } finally {
            unlock();
        }
    }

    @Override
    public long limit() {
        return limit.getAsLong();
    }

    @Override
    public long active() {
        return active.pages;
    }

    @Override
    public long inactive() {
        return inactive.pages;
    }

    /** {@return pages that a sequential reader has left behind} */
    public long behind() {
        return behind.pages;
    }

    @Override
    public long evictions() {
        return evictions;
    }
}
