package org.heteromem.cli.victims;

import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.IntPredicate;
import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;

/**
 * Counts hits of a stream of page numbers in RAM of a given size; a page is missed at its first touch too. Pages come home one
 * by one; a reader that goes from one to the next is known by some misses in a row.
 */
final class Simulation implements WorkingSetView {
    private static final PageList[] LISTS = PageList.values();
    private static final int ABSENT = -1;
    /** So many pages in sequence are no accident. */
    private static final int IN_SEQUENCE = 7;

    private final int ram;
    private final VictimPolicy policy;
    /** Neighbours on a list; the lists' heads follow the pages. */
    private final int[] next;

    private final int[] previous;
    /** Number of the list that a page is on, or {@link #ABSENT}. */
    private final int[] on;

    private final long[] evictedAt;
    private final PageList[] evictedFrom;
    /** The pages that a sequential reader would miss next. */
    private final IntPredicate expected;

    private final boolean[] cameBackSoon;
    /** Where the lists' heads begin; and how many pages each list has. */
    private final int heads;

    private final int[] counts = new int[LISTS.length];
    /** Pages that are watched: whether each is, whether it was not used since, the newest of each list and how many. */
    private final boolean[] watched;

    private final boolean[] idle;
    private final int[] edges = new int[LISTS.length];
    private final int[] watchedCounts = new int[LISTS.length];
    private long accesses;
    private long evictions;

    private Simulation(int pages, int ram, VictimPolicy policy, IntPredicate expected) {
        this.expected = expected;
        this.cameBackSoon = new boolean[pages];
        this.ram = ram;
        this.policy = policy;
        this.next = new int[pages + LISTS.length];
        this.previous = new int[pages + LISTS.length];
        this.on = new int[pages];
        this.watched = new boolean[pages];
        this.idle = new boolean[pages];
        this.evictedAt = new long[pages];
        this.evictedFrom = new PageList[pages];
        this.heads = pages;
        for (int head = heads; head < next.length; head++) {
            next[head] = head;
            previous[head] = head;
        }
        Arrays.fill(on, ABSENT);
    }

    private static int pages(int... stream) {
        return Arrays.stream(stream).max().orElse(-1) + 1;
    }

    /** Hits under a policy: evicts one page at each miss once RAM is full, as the core would if it took one at a time. */
    static long run(int[] stream, int ram, VictimPolicy policy) {
        return result(stream, ram, policy).hits();
    }

    /**
     * What came of a stream.
     *
     * @param hits touches of pages that were there
     * @param accesses how many of them a policy saw that watches some pages: each costs a fault
     */
    record Result(long hits, long accesses) {}

    /** {@link #run}, with what it cost. */
    static Result result(int[] stream, int ram, VictimPolicy policy) {
        int[] inSequence = new int[pages(stream) + 1];
        return run(stream, ram, policy, page -> {
            int before = inSequence[page];
            inSequence[page] = 0;
            inSequence[page + 1] = before + 1;
            return before >= IN_SEQUENCE;
        });
    }

    /** The same where somebody else, who is told of each page that comes home, knows sequences. */
    static Result run(int[] stream, int ram, VictimPolicy policy, IntPredicate expected) {
        Simulation simulation = new Simulation(pages(stream), ram, policy, expected);
        long hits = 0;
        for (int page : stream) {
            if (simulation.on[page] != ABSENT) {
                hits++;
                simulation.use(page);
            } else {
                simulation.miss(page);
                simulation.watch();
            }
        }
        return new Result(hits, simulation.accesses);
    }

    /** As the core does it when it is asked to after every miss, without a bound. */
    private void watch() {
        long window = policy.window(this);
        for (PageList list : List.of(PageList.INACTIVE, PageList.ACTIVE)) {
            int number = list.ordinal();
            for (; watchedCounts[number] < Math.min(window, counts[number]); watchedCounts[number]++) {
                int page = next[watchedCounts[number] == 0 ? heads + number : edges[number]];
                edges[number] = page;
                watched[page] = true;
                idle[page] = true;
            }
        }
    }

    private void use(int page) {
        if (!idle[page]) {
            return;
        }
        accesses++;
        idle[page] = false;
        if (policy.access(this, page)) {
            PageList list = LISTS[on[page]];
            remove(page);
            add(page, list);
        }
    }

    private void miss(int page) {
        if (Arrays.stream(counts).sum() == ram) {
            evict(victims());
        }
        PageList from = evictedFrom[page];
        PageList to = from == null ? PageList.INACTIVE : policy.refault(this, evictions - 1 - evictedAt[page], from);
        cameBackSoon[page] = to == PageList.ACTIVE && from != PageList.INACTIVE;
        add(page, to);
        if (from != null && expected.test(page) && policy.dropsBehind()) {
            leaveBehind(page - 1);
        }
    }

    private int count(PageList list) {
        return counts[list.ordinal()];
    }

    private PageList victims() {
        if (count(PageList.BEHIND) > 0) {
            return PageList.BEHIND;
        }
        boolean protectedOne = policy.activeVictims(this, 1) > 0;
        return count(PageList.ACTIVE) == 0 || (count(PageList.INACTIVE) > 0 && !protectedOne)
                ? PageList.INACTIVE
                : PageList.ACTIVE;
    }

    private void leaveBehind(int page) {
        if (on[page] != ABSENT && on[page] != PageList.BEHIND.ordinal() && !cameBackSoon[page]) {
            remove(page);
            add(page, PageList.BEHIND);
        }
    }

    private void add(int page, PageList list) {
        int head = heads + list.ordinal();
        next[previous[head]] = page;
        previous[page] = previous[head];
        next[page] = head;
        previous[head] = page;
        on[page] = list.ordinal();
        counts[list.ordinal()]++;
    }

    private void remove(int page) {
        if (watched[page]) {
            watched[page] = false;
            idle[page] = false;
            watchedCounts[on[page]]--;
            edges[on[page]] = edges[on[page]] == page ? previous[page] : edges[on[page]];
        }
        next[previous[page]] = next[page];
        previous[next[page]] = previous[page];
        counts[on[page]]--;
        on[page] = ABSENT;
    }

    private void evict(PageList from) {
        int oldest = next[heads + from.ordinal()];
        remove(oldest);
        evictedAt[oldest] = evictions++;
        evictedFrom[oldest] = from;
    }

    @Override
    public long limit() {
        return ram;
    }

    @Override
    public long active() {
        return count(PageList.ACTIVE);
    }

    @Override
    public long inactive() {
        return count(PageList.INACTIVE);
    }

    @Override
    public long evictions() {
        return evictions;
    }

    /** Hits of least recently used, with every access seen: what hardware with access bits could come near to. */
    static long lru(int[] stream, int ram) {
        Simulation list = new Simulation(pages(stream), ram, VictimPolicy.byAge(), _ -> false);
        long hits = 0;
        for (int page : stream) {
            if (list.on[page] != ABSENT) {
                hits++;
                list.remove(page);
            }
            list.miss(page);
        }
        return hits;
    }

    /** Hits of who knows the future (Belady 1966): evicts what is wanted last. */
    static long optimum(int[] stream, int ram) {
        int pages = pages(stream);
        int[] nextUse = new int[stream.length];
        int[] seen = new int[pages];
        Arrays.fill(seen, Integer.MAX_VALUE);
        for (int i = stream.length - 1; i >= 0; i--) {
            nextUse[i] = seen[stream[i]];
            seen[stream[i]] = i;
        }
        // Negated, so that the smallest is wanted last; out-of-date entries are passed over.
        PriorityQueue<Long> latest = new PriorityQueue<>();
        boolean[] resident = new boolean[pages];
        int[] wanted = new int[pages];
        int used = 0;
        long hits = 0;
        for (int i = 0; i < stream.length; i++) {
            int page = stream[i];
            if (resident[page]) {
                hits++;
            } else {
                for (; used == ram; ) {
                    long entry = latest.remove();
                    int victim = (int) entry;
                    if (resident[victim] && wanted[victim] == (int) -(entry >> 32)) {
                        resident[victim] = false;
                        used--;
                    }
                }
                resident[page] = true;
                used++;
            }
            wanted[page] = nextUse[i];
            latest.add((long) -nextUse[i] << 32 | page);
        }
        return hits;
    }
}
