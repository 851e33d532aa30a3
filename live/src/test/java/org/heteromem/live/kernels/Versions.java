package org.heteromem.live.kernels;

import java.util.SplittableRandom;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * Each unit has two words in every page of a table: a version, and what the page must hold for it. It checks what it wrote
 * last and writes the next, all over the table, and notes the versions in a table of its own.
 */
public record Versions(long table, int pages, long notes, int firstParty, long millis, long seed) implements Kernel {
    static final int PAGE = 4096;

    /** Most units. */
    static final int MAX_UNITS = 16;

    static long at(int page, int party) {
        return (long) page * PAGE + party * 16L;
    }

    static long right(int page, int party, long version) {
        return version == 0 ? 0 : ((long) page << 40 ^ (long) party << 32 ^ version) * 0x9E3779B97F4A7C15L;
    }

    /** Where a unit notes the version of a page. */
    static long note(int page, int unit) {
        return ((long) page * MAX_UNITS + unit) * 8;
    }

    @Override
    public void run(MemoryAccess memory, int unit, int units) {
        SplittableRandom random = new SplittableRandom(seed + unit);
        int party = firstParty + unit;
        long end = System.nanoTime() + millis * 1_000_000;
        while (System.nanoTime() < end) {
            int from = random.nextInt(pages);
            int run = random.nextInt(4) == 0 ? random.nextInt(100) : 1;
            for (int page = from; page < Math.min(pages, from + run); page++) {
                long at = table + at(page, party);
                long noted = memory.loadLong(notes + note(page, unit));
                long version = memory.loadLong(at);
                long value = memory.loadLong(at + 8);
                if (version != noted || value != right(page, party, version)) {
                    throw new AssertionError("page " + page + " has version " + version + " of unit " + unit + ", "
                            + noted + " was noted, and value " + value);
                }
                if (random.nextBoolean()) {
                    memory.storeLong(at, version + 1);
                    memory.storeLong(at + 8, right(page, party, version + 1));
                    memory.storeLong(notes + note(page, unit), version + 1);
                }
            }
        }
    }
}
