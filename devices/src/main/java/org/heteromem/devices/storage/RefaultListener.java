package org.heteromem.devices.storage;

import org.heteromem.core.AddressSpace;

/**
 * Hears of pages that are touched again after they were evicted (Linux: workingset_refault). The distance is how many pages
 * were evicted in between: a page with a distance below the size of RAM would have been a hit in a RAM that much larger.
 */
@FunctionalInterface
public interface RefaultListener {
    /** Nobody listens. */
    RefaultListener NONE = (_, _, _) -> {};

    /**
     * Hears of one page, on the thread that touched it, after it is home. Must be quick.
     *
     * @param space whose page
     * @param page its page number
     * @param distancePages pages evicted between its own eviction and now, by all devices that share the clock
     */
    void refault(AddressSpace space, long page, long distancePages);
}
