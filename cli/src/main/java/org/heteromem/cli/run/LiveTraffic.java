package org.heteromem.cli.run;

import java.util.Map;
import org.heteromem.core.Page;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Status;

/**
 * What the daemon has counted for this process since it connected.
 *
 * @param faults page faults that it served
 * @param pagesIn pages that came home from overflow devices
 * @param pagesOut pages that left RAM for an overflow device
 * @param pagesZeroed pages that were new
 * @param pagesToDevice pages that went to the device that computes
 * @param pagesFromDevice pages that came from there
 * @param kernels kernels that ran there
 * @param directReclaims how often somebody who needed a frame had to make room first
 */
record LiveTraffic(
        long faults,
        long pagesIn,
        long pagesOut,
        long pagesZeroed,
        long pagesToDevice,
        long pagesFromDevice,
        long kernels,
        long directReclaims) {
    /** Asks. */
    static LiveTraffic of(Heteromem memory) {
        int pid = Math.toIntExact(ProcessHandle.current().pid());
        long faults = 0;
        long in = 0;
        long out = 0;
        long zeroed = 0;
        long direct = 0;
        long toDevice = 0;
        long fromDevice = 0;
        long kernels = 0;
        for (Status.Subject subject : memory.status().subjects()) {
            Map<String, Long> counters = subject.counters();
            // The daemon names itself first, and may be this process in a test.
            if (subject.pid() == pid && counters.containsKey("faults")) {
                faults += counters.get("faults");
                in += counters.getOrDefault("bytes.in", 0L);
                out += counters.getOrDefault("bytes.out", 0L);
                zeroed += counters.getOrDefault("bytes.zeroed", 0L);
                direct += counters.getOrDefault("reclaim.direct", 0L);
                toDevice += counters.getOrDefault("device.accelerator.in", 0L);
                fromDevice += counters.getOrDefault("device.accelerator.out", 0L);
                kernels += counters.getOrDefault("kernels", 0L);
            }
        }
        // All that leaves RAM is counted, wherever it goes.
        return new LiveTraffic(
                faults,
                Page.of(in - fromDevice),
                Page.of(out - toDevice),
                Page.of(zeroed),
                Page.of(toDevice),
                Page.of(fromDevice),
                kernels,
                direct);
    }
}
