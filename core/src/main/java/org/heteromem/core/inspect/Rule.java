package org.heteromem.core.inspect;

/** What holds at every quiet point: when no operation is under way, no migration is open and no driver call is running. */
public enum Rule {
    /** Areas of a process are in order, not empty, apart from one another and linked to anchors of their own kind. */
    AREA,
    /** An entry lies in an area and is of a kind that its frame allows. */
    ENTRY,
    /** No entry allows more than its area, and no private page is writable unless its process has it alone. */
    RIGHTS,
    /** A page that has a copy on a device is clean and cannot be written, and the copy is its own. */
    COPY,
    /** No migration entry stands without a migrator. */
    MIGRATION_ENTRY,
    /** A frame's mapping count is the number of entries that map it. */
    MAPPING_COUNT,
    /** A frame's references are its mappings, its place in a shared object and what is held outside, and no more. */
    REFERENCE_COUNT,
    /** A frame's pins are those held outside. */
    PIN_COUNT,
    /** The reverse map leads from every mapped frame to each of its entries, once. */
    REVERSE_MAP,
    /** Anchors list living areas only, each once, and each of those knows the anchor. */
    ANCHOR,
    /** A shared object, its pages and the areas that map it agree. */
    SHARED_OBJECT,
    /** A page marked as one process's own is anonymous and mapped at most once. */
    EXCLUSIVE,
    /** Every frame is in exactly one place: free, never used, on an LRU list, on a device, or set aside. */
    ONE_PLACE,
    /** A page of homed memory is in RAM in its own frame only, and nobody else's page is there. */
    HOMED_PLACE,
    /** A budget is charged for the frames in use of all homed memory that shares it, and counts the pages of their lists. */
    BUDGET,
    /** No page was evicted from homed memory later than now. */
    SHADOW,
    /** LRU lists are linked both ways and agree with the flags of the frames on them. */
    LRU,
    /** The resident pages that a process is charged for are those that it maps. */
    RESIDENT_SET,
    /** No page lock is held and nobody waits for one. */
    PAGE_LOCK,
    /** No lock of an address space, an anchor, a page-table leaf or a list is held, and no store is under way. */
    LOCK_HELD,
    /** No invalidation is under way. */
    NOTIFIER,
    /** A device's live references are its frames in use. */
    DEVICE_REFERENCES,
    /** The shared zero page is full of zeros, set aside and mapped read-only. */
    ZERO_PAGE,
    /** The map of physical addresses and the frames agree. */
    RESOURCE,
    /** No translation cache of a CPU allows what the page table does not. */
    TRANSLATION,
    /** No mirror of a device allows what the page table does not. */
    MIRROR
}
