package org.heteromem.stress.soak;

import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What a soak counts. */
enum Tally {
    LOADS,
    STORES,
    ATOMICS,
    BULK_COPIES,
    DENIED,
    DEVICE_FAULTS,
    MIRROR_RETRIES,
    CAME_HOME,
    MOVED_TO_DEVICE,
    MOVED_BETWEEN_NODES,
    EVICTED_BY_FRAME,
    RELIEF,
    FORKS,
    CHILD_CHECKS,
    PROTECTS,
    REMAPS,
    ADVICE,
    LOCKS,
    SCRATCH_CHECKS,
    PINS,
    PIN_TRANSFERS,
    EXCLUSIVES,
    REMOVALS,
    REFUSED;

    static LongAdder adder(Map<Tally, LongAdder> counts, Tally tally) {
        LongAdder adder = counts.get(tally);
        if (adder == null) {
            throw new IllegalStateException("no count of " + tally);
        }
        return adder;
    }
}
