package org.heteromem.core.space;

import java.util.Arrays;
import java.util.List;
import org.heteromem.core.Area;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.jspecify.annotations.Nullable;

/** Reads the state of an address space for those who look (Linux: fs/proc/task_mmu.c, mincore.c). */
public final class Inspection {
    private Inspection() {}

    /**
     * {@return the areas}
     *
     * @param mm whose
     */
    public static List<Area> areas(Mm mm) {
        return areas(mm.areas.all());
    }

    /**
     * {@return the areas that meet a range of pages}
     *
     * @param mm whose
     * @param start the first page
     * @param end behind the last
     */
    public static List<Area> areas(Mm mm, long start, long end) {
        return areas(mm.areas.in(start, end));
    }

    private static List<Area> areas(Vma[] found) {
        Area[] all = new Area[found.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = found[i].toArea();
        }
        return List.of(all);
    }

    /**
     * {@return whether any area is of certain homed memory}
     *
     * @param mm whose
     * @param homed the memory
     */
    public static boolean maps(Mm mm, HomedNode homed) {
        return Arrays.stream(mm.areas.all()).anyMatch(area -> area.homed == homed);
    }

    /**
     * {@return the area that covers a page, or null}
     *
     * @param mm whose
     * @param page which
     */
    public static @Nullable Area areaAt(Mm mm, long page) {
        long stamp = mm.readLock();
        try {
            Vma area = mm.areas.find(page);
            return area == null ? null : area.toArea();
        } finally {
            mm.readUnlock(stamp);
        }
    }

    /** Visits pages. */
    @FunctionalInterface
    public interface PageVisitor {
        /**
         * Sees one page.
         *
         * @param page the page number
         * @param mapped whether an area covers it
         * @param shared whether that area is shared memory
         * @param entry its page-table entry
         */
        void visit(long page, boolean mapped, boolean shared, long entry);
    }

    /** Visits a range, one page after the other, under the address space's lock. */
    public static void visit(Mm mm, long start, long pages, PageVisitor visitor) {
        long stamp = mm.readLock();
        try {
            for (long page = start; page < start + pages; page++) {
                Vma area = mm.areas.find(page);
                visitor.visit(
                        page,
                        area != null,
                        area != null && area.shared != null,
                        area == null ? 0 : mm.pageTable.entry(page));
            }
        } finally {
            mm.readUnlock(stamp);
        }
    }

    /**
     * {@return whether a page of shared memory exists, mapped here or not}
     *
     * @param mm whose
     * @param page which
     */
    public static boolean inSharedObject(Mm mm, long page) {
        Vma area = mm.areas.find(page);
        return area != null && area.shared != null && area.shared.contains(area.index(page));
    }

    /**
     * {@return whether the entry maps a page that counts as resident}
     *
     * @param mm whose
     * @param entry an entry
     */
    public static boolean resident(Mm mm, long entry) {
        return switch (PteLayout.kind(entry)) {
            case PteLayout.PRESENT -> PteLayout.frame(entry) != mm.machine().zeroFrame;
            case PteLayout.DEVICE_PRIVATE, PteLayout.DEVICE_EXCLUSIVE, PteLayout.MIGRATION -> true;
            default -> false;
        };
    }

    /**
     * {@return whether the page is anonymous}
     *
     * @param mm whose
     * @param entry a resident entry
     */
    public static boolean anonymous(Mm mm, long entry) {
        FrameTable frames = mm.machine().frames;
        return frames.has(PteLayout.frame(entry), Frames.ANON);
    }
}
