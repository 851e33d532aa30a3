package org.heteromem.core.frame;

/** Breaks what a working set counts. */
public final class WorkingSetDamage {
    private WorkingSetDamage() {}

    /**
     * Counts a page that is on no list.
     *
     * @param set whose count
     */
    public static void miscount(WorkingSet set) {
        set.active.pages++;
    }
}
