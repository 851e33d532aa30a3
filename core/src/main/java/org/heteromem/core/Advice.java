package org.heteromem.core;

/** What a program tells about a range (madvise). Names are those of Linux without the prefix MADV_. */
public enum Advice {
    /** Throw the contents away: private memory reads as zero afterwards. */
    DONTNEED,
    /** The contents may be thrown away under pressure; they are kept here until then. */
    FREE,
    /** Make the range a likelier victim. */
    COLD,
    /** Reclaim the range if there is somewhere to put it. */
    PAGEOUT,
    /** Will be used soon. */
    WILLNEED,
    /** Fault the range in for reading. */
    POPULATE_READ,
    /** Fault the range in for writing. */
    POPULATE_WRITE,
    /** Use 2 MiB pages where possible. Accepted, without effect on base pages. */
    HUGEPAGE,
    /** Do not use 2 MiB pages. */
    NOHUGEPAGE,
    /** Make touches of the range fail until GUARD_REMOVE; contents are thrown away. */
    GUARD_INSTALL,
    /** Remove guards from the range. */
    GUARD_REMOVE,
    /** A child made by fork does not get the area. */
    DONTFORK,
    /** Undo DONTFORK. */
    DOFORK,
    /** A child made by fork gets the area empty. */
    WIPEONFORK,
    /** Undo WIPEONFORK. */
    KEEPONFORK
}
