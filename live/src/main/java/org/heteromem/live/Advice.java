package org.heteromem.live;

/**
 * How a program means to use memory. Advice may move pages when it is given; it changes nothing later, and never what is
 * read.
 */
public enum Advice {
    /** Nothing is known; the state of new memory. Moves nothing. */
    NORMAL,
    /** In no order ({@code MADV_RANDOM}). Moves nothing: pages are fetched ahead only of who is seen to go in sequence. */
    RANDOM,
    /** From the start to the end, and soon ({@code MADV_WILLNEED}): fetched now, as {@link Heteromem#prefetch} does. */
    SEQUENTIAL,
    /** Often, and soon: fetched now, as {@link Heteromem#prefetch} does. What keeps pages in RAM is a pin. */
    HOT,
    /** Not soon: evicted now, as {@link Heteromem#evict} does ({@code MADV_PAGEOUT}). */
    COLD,
    /** Mostly read. Moves nothing: any page that comes home because it was read keeps its copy on the device. */
    READ_MOSTLY
}
