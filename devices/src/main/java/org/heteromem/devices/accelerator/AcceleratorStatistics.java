package org.heteromem.devices.accelerator;

import org.heteromem.core.Page;

/**
 * What an accelerator has done since it was made; a moment's view while it works.
 *
 * @param launches kernels started
 * @param failedUnits compute units whose kernel ended with an error
 * @param faults faults that compute units raised
 * @param duplicates those among them that meant a page already in their batch
 * @param replays those that a unit raised again for the page it had just faulted on
 * @param batches batches of faults served
 * @param batchesOfSeveral those with more than one fault
 * @param largestBatch faults in the largest
 * @param serviceNanos time spent serving batches, by the clock handed in
 * @param mirroredInPlace pages that the device used where they were
 * @param toDeviceForFaults touched pages that came to the device
 * @param toDeviceAhead pages that came along by the policy's or a caller's wish
 * @param toDeviceUnderPressure cold pages that came because RAM was short
 * @param newOnDevice those of the first two that were new pages, without a copy
 * @param cpuFaults CPU faults on pages of the device that brought at least one page home
 * @param toRamForFaults touched pages that went home
 * @param toRamAhead pages that went along by the policy's wish
 * @param evictions blocks, or parts of them, evicted to make room
 * @param evictedPages pages in them
 */
public record AcceleratorStatistics(
        long launches,
        long failedUnits,
        long faults,
        long duplicates,
        long replays,
        long batches,
        long batchesOfSeveral,
        long largestBatch,
        long serviceNanos,
        long mirroredInPlace,
        long toDeviceForFaults,
        long toDeviceAhead,
        long toDeviceUnderPressure,
        long newOnDevice,
        long cpuFaults,
        long toRamForFaults,
        long toRamAhead,
        long evictions,
        long evictedPages) {
    /** {@return pages that came to the device, for whatever reason} */
    public long pagesToDevice() {
        return toDeviceForFaults + toDeviceAhead + toDeviceUnderPressure;
    }

    /** {@return pages that left the device for RAM, for whatever reason} */
    public long pagesToRam() {
        return toRamForFaults + toRamAhead + evictedPages;
    }

    /** {@return bytes copied from RAM to the device; new pages are not copied} */
    public long bytesToDevice() {
        return (pagesToDevice() - newOnDevice) * Page.SIZE;
    }

    /** {@return bytes copied from the device to RAM} */
    public long bytesToRam() {
        return pagesToRam() * Page.SIZE;
    }

    /** {@return faults in a batch, on average; 0 without batches} */
    public double faultsPerBatch() {
        return batches == 0 ? 0 : (double) faults / batches;
    }
}
