package org.heteromem.core;

/** What becomes of an area's pages at a fork. */
public enum Sharing {
    /** MAP_PRIVATE: each process has its own, copied at the first write after a fork. */
    PRIVATE,
    /** MAP_SHARED: all processes that inherit the area see one memory. */
    SHARED
}
