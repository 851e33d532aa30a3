package org.heteromem.core.policy;

/** One of the lists that the pages of RAM are on (Linux: enum lru_list). */
public enum PageList {
    /** Pages that are protected: they proved to be needed. */
    ACTIVE,
    /** Pages of which nothing is known but when they came. */
    INACTIVE,
    /** Pages that a sequential reader has gone past: they leave before all others of their memory. */
    BEHIND
}
