package org.heteromem.cli.run;

import java.util.Map;
import org.heteromem.core.Page;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Status;

/**
 * What the daemon has counted for this process since it connected.
 *
 * @param faults page faults that it served
 * @param pagesIn pages that came home from devices
 * @param pagesOut pages that left RAM for a device
 * @param pagesZeroed pages that were new
 * @param directReclaims how often somebody who needed a frame had to make room first
 */
record LiveTraffic(long faults, long pagesIn, long pagesOut, long pagesZeroed, long directReclaims) {
    /** Asks. */
    static LiveTraffic of(Heteromem memory) {
        int pid = Math.toIntExact(ProcessHandle.current().pid());
        long faults = 0;
        long in = 0;
        long out = 0;
        long zeroed = 0;
        long direct = 0;
        for (Status.Subject subject : memory.status().subjects()) {
            Map<String, Long> counters = subject.counters();
            // The daemon names itself first, and may be this process in a test.
            if (subject.pid() == pid && counters.containsKey("faults")) {
                faults += counters.get("faults");
                in += counters.getOrDefault("bytes.in", 0L);
                out += counters.getOrDefault("bytes.out", 0L);
                zeroed += counters.getOrDefault("bytes.zeroed", 0L);
                direct += counters.getOrDefault("reclaim.direct", 0L);
            }
        }
        return new LiveTraffic(faults, Page.of(in), Page.of(out), Page.of(zeroed), direct);
    }
}
