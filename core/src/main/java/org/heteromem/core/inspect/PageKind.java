package org.heteromem.core.inspect;

/** What a page-table entry is. */
public enum PageKind {
    /** No area covers the address. */
    UNMAPPED,
    /** An area, but no page yet. */
    NONE,
    /** A page the CPU can reach. */
    PRESENT,
    /** The shared zero page. */
    ZERO,
    /** A page in device memory that the CPU cannot reach. */
    DEVICE_PRIVATE,
    /** A page that a device has for itself. */
    DEVICE_EXCLUSIVE,
    /** A page on its way elsewhere. */
    MIGRATION,
    /** A guard. */
    GUARD,
    /** A page that was lost. */
    LOST
}
