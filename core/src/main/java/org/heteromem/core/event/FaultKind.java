package org.heteromem.core.event;

/** What a CPU fault turned out to be. */
public enum FaultKind {
    /** A new page full of zeros. */
    DEMAND_ZERO,
    /** A read of memory never written: the shared zero page. */
    ZERO_PAGE,
    /** A page of shared memory. */
    SHARED,
    /** A write to a page that others see: copied. */
    COPY_ON_WRITE,
    /** A write to a page that turned out to be nobody else's: made writable. */
    REUSE,
    /** A page in device memory: its driver brought it home. */
    DEVICE_PAGE,
    /** A page that a device had for itself: taken back. */
    EXCLUSIVE,
    /** A page on its way elsewhere: waited for. */
    MIGRATION_WAIT,
    /** A page whose next use was to be seen: mapped again. */
    IDLE,
    /** Somebody else had served it already. */
    SPURIOUS
}
