package org.heteromem.core;

/**
 * One mapped area of an address space, as a line of /proc/pid/maps tells it.
 *
 * @param address first byte
 * @param length bytes, a multiple of the page size
 * @param protection what it may be used for
 * @param sharing what becomes of it at a fork
 * @param locked whether it is locked in RAM (mlock)
 */
public record Area(long address, long length, Protection protection, Sharing sharing, boolean locked) {}
