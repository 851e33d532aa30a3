package org.heteromem.cli.run;

import java.util.List;
import java.util.Map;

/**
 * What a run on the memory of this process found; the JSON object of {@code run --json} has these names.
 *
 * @param mode where it ran, here the word "live"
 * @param workload the workload's name
 * @param input one line about what it worked on
 * @param workingSetBytes what it allocated, before rounding to pages
 * @param machine what it ran on
 * @param runNanos time of the run over managed memory
 * @param plainNanos time of the same computation on Java arrays in one thread
 * @param slowdown the one divided by the other
 * @param verified whether the result is that of the plain computation, bit for bit; a run with a wrong result has none
 * @param faults page faults of this process that the daemon served
 * @param moved pages that moved, by way; {@code none} is where new pages come from
 * @param kernels kernels that the daemon's device ran
 * @param evictions pages that left RAM for overflow to make room
 * @param residentPages pages at the end of the run, by the name of the memory they were in
 * @param results what the computation found, for people
 */
public record LiveResult(
        String mode,
        String workload,
        String input,
        long workingSetBytes,
        MachineUsed machine,
        long runNanos,
        long plainNanos,
        double slowdown,
        boolean verified,
        long faults,
        List<RunResult.Movement> moved,
        long kernels,
        Evictions evictions,
        Map<String, Long> residentPages,
        List<String> results) {
    /**
     * The machine of a run.
     *
     * @param ramBytes RAM that it was granted
     * @param overflow the devices for what does not fit, as given
     * @param rights what {@code heteromem doctor} calls the rights
     * @param devicePhases who ran the phases that are kernels for a device: CPU, or the device and its memory
     * @param seed the seed of the input
     * @param threads CPU threads
     */
    public record MachineUsed(
            long ramBytes, List<String> overflow, String rights, String devicePhases, long seed, int threads) {}

    /**
     * Evictions.
     *
     * @param pages pages that left RAM
     * @param direct how often a fault had to make room itself, because the daemon was not ahead of it
     */
    public record Evictions(long pages, long direct) {}
}
