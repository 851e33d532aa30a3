package org.heteromem.core.space;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The areas of an address space, by address. Replaced whole by writers, read without a lock. */
final class VmaSet {
    private volatile Vma[] areas = {};

    /** The area that holds a page, or null. */
    @Nullable
    Vma find(long page) {
        Vma[] now = areas;
        int at = firstEndingAfter(now, page);
        return at < now.length && now[at].start <= page ? now[at] : null;
    }

    private static int firstEndingAfter(Vma[] now, long page) {
        int low = 0;
        int high = now.length;
        while (low < high) {
            int mid = (low + high) >>> 1;
            if (now[mid].end <= page) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        return low;
    }

    /** All areas that meet a range, by address. */
    Vma[] in(long start, long end) {
        Vma[] now = areas;
        int from = firstEndingAfter(now, start);
        int to = from;
        while (to < now.length && now[to].start < end) {
            to++;
        }
        return Arrays.copyOfRange(now, from, to);
    }

    @Nullable
    Vma endingAt(long page) {
        return page == 0 ? null : match(find(page - 1), page, true);
    }

    @Nullable
    Vma startingAt(long page) {
        return match(find(page), page, false);
    }

    private static @Nullable Vma match(@Nullable Vma area, long page, boolean end) {
        return area != null && (end ? area.end : area.start) == page ? area : null;
    }

    Vma[] all() {
        return areas;
    }

    int size() {
        return areas.length;
    }

    void add(Vma area) {
        Vma[] now = areas;
        int at = firstEndingAfter(now, area.start);
        Vma[] grown = new Vma[now.length + 1];
        System.arraycopy(now, 0, grown, 0, at);
        grown[at] = area;
        System.arraycopy(now, at, grown, at + 1, now.length - at);
        areas = grown;
    }

    void remove(Vma area) {
        Vma[] now = areas;
        areas = Arrays.stream(now).filter(a -> a != area).toArray(Vma[]::new);
    }
}
