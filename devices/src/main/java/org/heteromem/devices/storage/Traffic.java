package org.heteromem.devices.storage;

import java.util.concurrent.atomic.LongAdder;

/** What a device counts. */
final class Traffic {
    final LongAdder pagesOut = new LongAdder();
    final LongAdder pagesFaulted = new LongAdder();
    final LongAdder pagesAhead = new LongAdder();
    final LongAdder pagesDemotedIn = new LongAdder();
    final LongAdder pagesDemotedOut = new LongAdder();
    final LongAdder fullRefusals = new LongAdder();
    final LongAdder writeErrors = new LongAdder();
    final LongAdder readErrors = new LongAdder();
    final LongAdder copiesKept = new LongAdder();
    final LongAdder copiesUsed = new LongAdder();
    final LongAdder copiesDropped = new LongAdder();
    final LongAdder pagesLost = new LongAdder();

    /** Counts a write that failed. */
    void writeFailed(StorageException e) {
        (e instanceof StorageFullException ? fullRefusals : writeErrors).increment();
    }

    StorageStatistics statistics(long pagesStored, long copies, PageStore store) {
        return new StorageStatistics(
                pagesStored,
                copies,
                store.bytesUsed(),
                store.capacityBytes(),
                pagesOut.sum(),
                pagesFaulted.sum(),
                pagesAhead.sum(),
                pagesDemotedIn.sum(),
                pagesDemotedOut.sum(),
                fullRefusals.sum(),
                writeErrors.sum(),
                readErrors.sum(),
                pagesLost.sum(),
                copiesKept.sum(),
                copiesUsed.sum(),
                copiesDropped.sum());
    }
}
