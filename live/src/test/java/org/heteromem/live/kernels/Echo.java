package org.heteromem.live.kernels;

import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/** Answers each number that appears in one word with the same in the next word, up to a last one. */
public record Echo(long words, long last) implements Kernel {
    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        if (unit != 0) {
            return;
        }
        long seen = 0;
        while (seen < last) {
            long now = memory.loadLong(words);
            if (now != seen) {
                memory.storeLong(words + 8, now);
                seen = now;
            }
        }
    }
}
