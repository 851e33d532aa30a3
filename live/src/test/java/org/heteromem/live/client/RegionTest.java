package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class RegionTest {
    private static final Pattern RANGE = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) .*");

    /** A child would read evicted pages as zeros, and fill the file with them. */
    @Test
    void noPartOfItIsInheritedByAForkedChild() throws IOException {
        Region region = Region.create(7, 2 * Region.ALIGNMENT, Region.ALIGNMENT);
        try {
            assertThat(bytesWith("dc", region)).isEqualTo(region.bytes());
        } finally {
            region.close();
        }
    }

    /** How many bytes of its mapping have a flag of the kernel's: two letters, such as {@code dc}, "do not copy". */
    private static long bytesWith(String flag, Region region) throws IOException {
        long end = region.address() + region.bytes();
        long part = 0;
        long sum = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            Matcher range = RANGE.matcher(line);
            if (range.matches()) {
                long from = Long.parseUnsignedLong(range.group(1), 16);
                long to = Long.parseUnsignedLong(range.group(2), 16);
                part = from >= region.address() && to <= end ? to - from : 0;
            } else if (line.startsWith("VmFlags:")
                    && List.of(line.split(" +", -1)).contains(flag)) {
                sum += part;
            }
        }
        return sum;
    }
}
