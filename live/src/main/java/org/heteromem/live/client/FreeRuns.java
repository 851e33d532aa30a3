package org.heteromem.live.client;

import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which pages of a region nobody uses: runs of pages, known by where they start and by how long they are.
 *
 * <p>Best fit: the shortest run that is long enough is cut, so that long runs stay for what needs them. Neighbouring free
 * runs become one at once. Both take time logarithmic in the number of runs; an alignment beyond a page may have to look at
 * more. Page numbers are addresses divided by the page size, so that alignment is of addresses. Not thread-safe.
 */
final class FreeRuns {
    /** Orders by length, then by place. */
    private record Run(long start, long pages) implements Comparable<Run> {
        @Override
        public int compareTo(Run other) {
            int byLength = Long.compare(pages, other.pages);
            return byLength != 0 ? byLength : Long.compare(start, other.start);
        }
    }

    private final long first;
    private final long pages;
    private final TreeMap<Long, Run> byStart = new TreeMap<>();
    private final TreeSet<Run> byLength = new TreeSet<>();
    private long free;

    /**
     * All pages free.
     *
     * @param first number of the first page
     * @param pages how many
     */
    FreeRuns(long first, long pages) {
        this.first = first;
        this.pages = pages;
        add(first, pages);
    }

    /**
     * Takes pages that follow each other.
     *
     * @param count how many, at least 1
     * @param alignment in pages, a power of two
     * @return the first page, a multiple of the alignment; -1 if there is no such run
     */
    long take(long count, long alignment) {
        for (Run run : byLength.tailSet(new Run(Long.MIN_VALUE, count), true)) {
            long start = run.start + alignment - 1 & -alignment;
            long lead = start - run.start;
            if (lead >= 0 && lead <= run.pages - count) {
                remove(run);
                add(run.start, lead);
                add(start + count, run.pages - lead - count);
                return start;
            }
        }
        return -1;
    }

    /**
     * Gives pages back.
     *
     * @throws IllegalStateException if some of them are free already, or were never here
     */
    void give(long start, long count) {
        if (start < first || count < 1 || count > pages || start - first > pages - count) {
            throw new IllegalStateException("pages " + start + "+" + count + " are not among " + first + "+" + pages);
        }
        Map.Entry<Long, Run> below = byStart.floorEntry(start);
        Map.Entry<Long, Run> above = byStart.higherEntry(start);
        long mergedStart = start;
        long mergedEnd = start + count;
        if (below != null) {
            Run run = below.getValue();
            requireDisjoint(run.start + run.pages <= start, start, count, run);
            if (run.start + run.pages == start) {
                remove(run);
                mergedStart = run.start;
            }
        }
        if (above != null) {
            Run run = above.getValue();
            requireDisjoint(mergedEnd <= run.start, start, count, run);
            if (run.start == mergedEnd) {
                remove(run);
                mergedEnd += run.pages;
            }
        }
        add(mergedStart, mergedEnd - mergedStart);
    }

    private static void requireDisjoint(boolean holds, long start, long count, Run run) {
        if (!holds) {
            throw new IllegalStateException(
                    "pages " + start + "+" + count + " given back are free already in " + run.start + "+" + run.pages);
        }
    }

    private void add(long start, long count) {
        if (count > 0) {
            Run run = new Run(start, count);
            byStart.put(start, run);
            byLength.add(run);
            free += count;
        }
    }

    private void remove(Run run) {
        byStart.remove(run.start);
        byLength.remove(run);
        free -= run.pages;
    }

    /** Pages free in all. */
    long freePages() {
        return free;
    }

    /** Number of runs that they form. */
    int runs() {
        return byStart.size();
    }

    /** Whether no page is in use. */
    boolean isWhollyFree() {
        return free == pages;
    }
}
