package org.heteromem.cli.run;

import java.util.List;
import java.util.Map;
import org.heteromem.core.Page;

/**
 * What a run found; the JSON object of {@code run --json} has these names.
 *
 * @param mode where it ran, here the word "model"
 * @param workload the workload's name
 * @param input one line about what it worked on
 * @param workingSetBytes what it allocated, before rounding to pages
 * @param machine what it ran on
 * @param runNanos time of the run over managed memory
 * @param plainNanos time of the same computation on Java arrays in one thread
 * @param slowdown the one divided by the other
 * @param verified whether the result is that of the plain computation, bit for bit; a run with a wrong result has none
 * @param cpuFaults faults of the CPUs by kind
 * @param deviceFaults faults of the device
 * @param moved pages that moved, by way
 * @param evictions blocks that left the device to make room, or parts of them
 * @param residentPages pages at the end of the run, by the name of the memory they lived in
 * @param results what the computation found, for people
 */
public record RunResult(
        String mode,
        String workload,
        String input,
        long workingSetBytes,
        MachineUsed machine,
        long runNanos,
        long plainNanos,
        double slowdown,
        boolean verified,
        Map<String, Long> cpuFaults,
        DeviceFaults deviceFaults,
        List<Movement> moved,
        Evictions evictions,
        Map<String, Long> residentPages,
        List<String> results) {
    /** The key of faults on pages in device memory in {@link #cpuFaults}. */
    public static final String DEVICE_PAGE = "device-page";

    /**
     * The machine of a run.
     *
     * @param ramBytes size of RAM
     * @param device name of the kind of device
     * @param deviceBytes size of its memory
     * @param policy names of placement and eviction policy
     * @param seed the seed of the input
     * @param threads CPU threads
     * @param units compute units
     */
    public record MachineUsed(
            long ramBytes, String device, long deviceBytes, String policy, long seed, int threads, int units) {}

    /**
     * Faults that the device raised.
     *
     * @param faults how many
     * @param batches in how many batches they were served
     * @param batchesOfSeveral how many of the batches had more than one fault
     * @param largestBatch how many faults the largest had
     */
    public record DeviceFaults(long faults, long batches, long batchesOfSeveral, long largestBatch) {}

    /**
     * Pages that went one way.
     *
     * @param from name of the memory that they left; "none" for pages that were new
     * @param to name of the memory where they went
     * @param pages how many
     * @param bytesCopied what was copied; nothing for new pages
     */
    public record Movement(String from, String to, long pages, long bytesCopied) {
        /** {@return the movement of a number of pages} */
        static Movement of(String from, String to, long pages) {
            return new Movement(from, to, pages, from.equals("none") ? 0 : pages * Page.SIZE);
        }
    }

    /**
     * Evictions.
     *
     * @param count how many
     * @param pages how many pages they moved
     */
    public record Evictions(long count, long pages) {}
}
