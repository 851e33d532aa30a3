package org.heteromem.live;

/** How a program means to use memory. Advice moves pages earlier, later or not at all; it never changes what is read. */
public enum Advice {
    /** Nothing is known; the state of new memory. */
    NORMAL,
    /** In no order: fetching neighbours ahead is wasted ({@code MADV_RANDOM}). */
    RANDOM,
    /** From the start to the end: fetch ahead, and what lies behind may go ({@code MADV_SEQUENTIAL}). */
    SEQUENTIAL,
    /** Often: the last to be evicted. */
    HOT,
    /** Not soon: the first to be evicted ({@code MADV_COLD}). */
    COLD,
    /** Mostly read: a page may keep its copy on a device while it is in RAM, and then leaves RAM without a copy. */
    READ_MOSTLY
}
