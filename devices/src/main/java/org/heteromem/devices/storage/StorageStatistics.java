package org.heteromem.devices.storage;

import org.heteromem.core.Page;

/**
 * What a storage device holds and has done since it was made; a moment's view while it works.
 *
 * @param pagesStored pages on it now
 * @param copies copies of pages that are in RAM now
 * @param bytesStored bytes of its capacity that they occupy
 * @param capacityBytes bytes there are
 * @param pagesOut pages that came from RAM
 * @param pagesFaulted pages that were touched and went home
 * @param pagesAhead pages that went home with a touched neighbour or by a prefetch
 * @param pagesDemotedIn pages that came from a faster device
 * @param pagesDemotedOut pages that went to a slower device
 * @param fullRefusals writes that ended because the store was full
 * @param writeErrors writes that failed
 * @param readErrors pages that could not be read
 * @param pagesLost those of them that were touched and whose contents are gone
 * @param copiesKept pages whose copy stayed here when they went home
 * @param copiesUsed pages that came back to their copy, without being copied; among {@code pagesOut}
 * @param copiesDropped copies that were given up for other pages
 */
public record StorageStatistics(
        long pagesStored,
        long copies,
        long bytesStored,
        long capacityBytes,
        long pagesOut,
        long pagesFaulted,
        long pagesAhead,
        long pagesDemotedIn,
        long pagesDemotedOut,
        long fullRefusals,
        long writeErrors,
        long readErrors,
        long pagesLost,
        long copiesKept,
        long copiesUsed,
        long copiesDropped) {
    /** {@return bytes that came from RAM, uncompressed} */
    public long bytesOut() {
        return pagesOut * Page.SIZE;
    }

    /** {@return bytes that went home, uncompressed} */
    public long bytesIn() {
        return pagesIn() * Page.SIZE;
    }

    /** {@return pages that went home} */
    public long pagesIn() {
        return pagesFaulted + pagesAhead;
    }
}
