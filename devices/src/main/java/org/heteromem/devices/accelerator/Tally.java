package org.heteromem.devices.accelerator;

import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Counts for {@link AcceleratorStatistics}; each is exact once all is quiet. */
final class Tally {
    final LongAdder launches = new LongAdder();
    final LongAdder failedUnits = new LongAdder();
    final LongAdder faults = new LongAdder();
    final LongAdder duplicates = new LongAdder();
    final LongAdder replays = new LongAdder();
    final LongAdder batches = new LongAdder();
    final LongAdder batchesOfSeveral = new LongAdder();
    final LongAccumulator largestBatch = new LongAccumulator(Math::max, 0);
    final LongAdder serviceNanos = new LongAdder();
    final LongAdder mirroredInPlace = new LongAdder();
    final LongAdder toDeviceForFaults = new LongAdder();
    final LongAdder toDeviceAhead = new LongAdder();
    final LongAdder toDeviceUnderPressure = new LongAdder();
    final LongAdder newOnDevice = new LongAdder();
    final LongAdder cpuFaults = new LongAdder();
    final LongAdder toRamForFaults = new LongAdder();
    final LongAdder toRamAhead = new LongAdder();
    final LongAdder evictions = new LongAdder();
    final LongAdder evictedPages = new LongAdder();

    AcceleratorStatistics snapshot() {
        return new AcceleratorStatistics(
                launches.sum(),
                failedUnits.sum(),
                faults.sum(),
                duplicates.sum(),
                replays.sum(),
                batches.sum(),
                batchesOfSeveral.sum(),
                largestBatch.get(),
                serviceNanos.sum(),
                mirroredInPlace.sum(),
                toDeviceForFaults.sum(),
                toDeviceAhead.sum(),
                toDeviceUnderPressure.sum(),
                newOnDevice.sum(),
                cpuFaults.sum(),
                toRamForFaults.sum(),
                toRamAhead.sum(),
                evictions.sum(),
                evictedPages.sum());
    }
}
