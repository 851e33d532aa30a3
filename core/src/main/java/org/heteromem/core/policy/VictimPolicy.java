package org.heteromem.core.policy;

/**
 * Decides which pages of homed memory leave RAM, where nothing tells when a resident page was used: what there is to go by is
 * when a page came, when it left, and how many others left before it was wanted again (Linux: workingset.c; the time is the
 * nonresident age). A policy may pay for more: of the oldest pages of every list ({@link #window}) the next use is made a
 * fault (Linux: idle page tracking, whose access bits live memory has not).
 *
 * <pre>
 *                          victims                       victims
 *                             ▲                             ▲
 *   first touch ──►  inactive, oldest leaves    active, oldest leaves
 *                             │                             ▲
 *                             └──► device ── refault ───────┘   {@link #refault} says to which list
 * </pre>
 *
 * Where {@link #dropsBehind}, pages that a sequential reader has gone past go to a third list, and that list's oldest leave
 * before all others of their memory.
 *
 * <p>An object serves one budget and may learn. It is never called by two threads at once, but by threads that hold a lock of
 * the core: it must be quick, allocate nothing, block on nothing and call nobody. Whatever it answers, no byte goes wrong.
 */
public interface VictimPolicy {
    /** {@return the name on the command line: lower-case letters, digits and hyphens} */
    String name();

    /** {@return one line for people} */
    String description();

    /**
     * An evicted page is wanted again. If it throws, the page goes to the inactive list, and whoever looks for victims next
     * gets an {@link IllegalStateException} with the cause.
     *
     * @param set the RAM it comes to; the page is not counted yet
     * @param distance pages evicted after it, not negative: it would have been a hit in a RAM that much larger
     * @param evictedFrom the list that it was evicted from
     * @return the list that it goes to, as the newest
     */
    PageList refault(WorkingSetView set, long distance, PageList evictedFrom);

    /**
     * Somebody looks for victims.
     *
     * @param set the RAM they leave
     * @param wanted how many, positive
     * @return how many of them shall be the oldest of the active lists, from 0 to {@code wanted}; the others are the oldest of
     *     the inactive ones. Where a list has too few, the other makes up for it
     */
    int activeVictims(WorkingSetView set, int wanted);

    /**
     * {@return whether pages that a sequential reader has gone past leave before all others} Those of the block that came home
     * for it last, but none that {@link #refault} made active after it had left that way, or from an active list. Asked once,
     * at the beginning.
     */
    default boolean dropsBehind() {
        return false;
    }

    /** {@return whether old pages are watched, to see which of them are used} Asked once, at the beginning. */
    default boolean samples() {
        return false;
    }

    /**
     * {@return how many of the oldest pages of each list are to be watched, if it {@link #samples}: their next use is seen,
     * which costs a fault} Where several memories share the RAM, each has its part of the list. If it throws, none is watched
     * for now, and whoever looks for victims next gets an {@link IllegalStateException} with the cause.
     *
     * @param set the RAM they are in
     */
    default long window(WorkingSetView set) {
        return 0;
    }

    /**
     * A page that is watched is used. If it throws, that counts as {@code true}, and whoever looks for victims next gets an
     * {@link IllegalStateException} with the cause.
     *
     * @param set the RAM it is in
     * @param page its page number
     * @return whether it becomes the newest of its list; else it leaves when its turn comes
     */
    default boolean access(WorkingSetView set, long page) {
        return true;
    }

    /** {@return a policy that goes by age alone: who came first leaves first} */
    static VictimPolicy byAge() {
        return ByAge.POLICY;
    }
}
