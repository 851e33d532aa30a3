package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which areas a range meets: five pages that may be written, a hole of one, two pages, and two that may only be read. */
class AreasTest {
    private static final long P = Page.SIZE;

    @ParameterizedTest(name = "{1} bytes from byte {0} of them")
    @CsvSource({
        "0, 40960, 0 6 8",
        "0, 1, 0",
        "20479, 1, 0",
        "20479, 2, 0",
        "20480, 4096, ''",
        "20480, 4097, 6",
        "8192, 16385, 0 6",
        "32767, 1, 6",
        "32767, 2, 6 8",
        "40959, 1000000, 8",
        "40960, 1000000, ''",
        "8192, 0, ''",
    })
    void areNamedIfTheyHaveAPageInIt(long from, long length, String firstPages) {
        try (MemoryManager manager = MemoryManager.builder().node(1 << 20).build()) {
            AddressSpace space = manager.createAddressSpace();
            long base = space.map(10 * P, Protection.READ_WRITE, Sharing.PRIVATE);
            space.protect(base + 8 * P, 2 * P, Protection.READ);
            space.unmap(base + 5 * P, P);
            List<Area> all = space.areas();
            List<Area> found = space.areas(base + from, length);
            assertThat(found.stream()
                            .map(area -> Long.toString((area.address() - base) / P))
                            .toList())
                    .isEqualTo(List.of(firstPages.split(" ")).stream()
                            .filter(word -> !word.isEmpty())
                            .toList());
            assertThat(all).hasSize(3).containsAll(found);
        }
    }

    @Test
    void aRangeIsNotNegative() {
        try (MemoryManager manager = MemoryManager.builder().node(1 << 20).build()) {
            AddressSpace space = manager.createAddressSpace();
            for (long[] bad : new long[][] {{-P, P}, {P, -1}, {Long.MAX_VALUE, 2}}) {
                assertThatExceptionOfType(MemoryException.class)
                        .isThrownBy(() -> space.areas(bad[0], bad[1]))
                        .withMessageContaining(bad[1] + " bytes at 0x" + Long.toHexString(bad[0]))
                        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            }
        }
    }
}
