package org.heteromem.core.event;

/** What the core counts, always, at next to no cost (Linux: /proc/vmstat). */
public enum Counter {
    /** CPU faults of all kinds. */
    PGFAULT,
    /** CPU faults on device-private pages. */
    PGFAULT_DEVICE,
    /** Pages that got a new zeroed frame. */
    PGALLOC_ZEROED,
    /** Pages copied on write. */
    PGCOPY,
    /** Pages made writable without a copy. */
    PGREUSE,
    /** Pages that migrated. */
    PGMIGRATE_SUCCESS,
    /** Pages that were asked to migrate and stayed. */
    PGMIGRATE_FAIL,
    /** Notifications sent to mirrors. */
    MMU_NOTIFY,
    /** Calls for room because RAM was short. */
    ALLOCSTALL
}
