package org.heteromem.live.client;

/**
 * Pages that an arena owns, one after the other in one region.
 *
 * @param region that they are part of
 * @param address of the first
 * @param bytes whole pages
 * @param owner the arena's memory
 */
record Run(Region region, long address, long bytes, ArenaMemory owner) {
    long offset() {
        return address - region.address();
    }
}
