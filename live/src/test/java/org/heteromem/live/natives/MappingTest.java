package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MappingTest {
    @ParameterizedTest
    @ValueSource(longs = {4096, 65_536, 2 << 20, 1 << 30})
    void startsWhereAskedAndLeavesNothingElseMapped(long alignment) throws Exception {
        try (Memfd memory = Memfd.create("aligned", 3 * 4096)) {
            long before = mappings();
            try (Mapping map = Mapping.sharedAligned(memory, 0, 3 * 4096, alignment)) {
                assertThat(map.address() % alignment).isZero();
                map.segment().set(ValueLayout.JAVA_LONG, 8192, 42);
                try (Mapping again = Mapping.readOnly(memory, 8192, 4096)) {
                    assertThat(again.segment().get(ValueLayout.JAVA_LONG, 0)).isEqualTo(42);
                    assertThat(again.segment().isReadOnly()).isTrue();
                }
                assertThat(lineOf(map.address())).contains("rw-s").contains("aligned");
            }
            // The JVM's own threads map and unmap meanwhile.
            assertThat(mappings()).isLessThan(before + 20);
        }
    }

    @Test
    void noPageIsThereBeforeAccessIsAllowed() throws Exception {
        try (Memfd memory = Memfd.create("closed", 3 * 4096);
                Mapping map = Mapping.withoutAccess(memory, 0, 3 * 4096, 65_536)) {
            assertThat(map.address() % 65_536).isZero();
            assertThat(lineOf(map.address())).contains("---s").contains("closed");
            map.allowAccess();
            assertThat(lineOf(map.address())).contains("rw-s").contains("closed");
            map.segment().set(ValueLayout.JAVA_LONG, 8192, 42);
            assertThat(map.segment().get(ValueLayout.JAVA_LONG, 8192)).isEqualTo(42);
        }
    }

    @Test
    void aSegmentDiesWithItsMapping() {
        Mapping map = Mapping.anonymous(4096);
        MemorySegment segment = map.segment();
        segment.set(ValueLayout.JAVA_LONG, 0, 1);
        map.close();
        map.close();
        assertThatIllegalStateException().isThrownBy(() -> segment.get(ValueLayout.JAVA_LONG, 0));
    }

    @Test
    void onlyPagesOfAMappingThatIsThereAreUnmapped() {
        try (Memfd memory = Memfd.create("unmapped", 3 * 4096)) {
            Mapping map = Mapping.shared(memory, 0, 3 * 4096);
            map.segment().fill((byte) 9);
            assertThat(map.tryUnmapPages(4096, 2 * 4096)).isTrue();
            assertThat(map.segment().get(ValueLayout.JAVA_BYTE, 8192))
                    .as("what the file has")
                    .isEqualTo((byte) 9);
            assertThat(map.tryUnmapPages(4096, 3 * 4096)).isFalse();
            assertThat(map.tryUnmapPages(-4096, 4096)).isFalse();
            assertThat(map.tryUnmapPages(Long.MAX_VALUE & -4096, 8192)).isFalse();
            map.close();
            assertThat(map.tryUnmapPages(0, 4096))
                    .as("where something else may be by now")
                    .isFalse();
        }
    }

    @Test
    void adviceReachesTheKernel() throws Exception {
        try (Memfd memory = Memfd.create("advised", 1 << 20);
                Mapping map = Mapping.shared(memory, 0, 1 << 20)) {
            map.advise(Mapping.Advice.DONTFORK);
            map.refuseHugePages();
            String flags = flagsOf(map.address());
            assertThat(flags).contains(" dc").contains(" nh");
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> map.advise(4096, 1 << 20, Mapping.Advice.WILLNEED));
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> map.advise(100, 4096, Mapping.Advice.WILLNEED))
                    .withMessageContainingAll(
                            "madvise(WILLNEED)", Long.toHexString(map.address() + 100), "length=4096", "EINVAL");
        }
    }

    @Test
    void badRequestsAreRefused() {
        try (Memfd memory = Memfd.create("bad", 4096)) {
            assertThatIllegalArgumentException().isThrownBy(() -> Mapping.shared(memory, 0, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> Mapping.sharedAligned(memory, 0, 4096, 12_288));
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> Mapping.shared(memory, 7, 4096))
                    .withMessageContainingAll("mmap", "memfd 'bad'", "offset=7", "length=4096", "EINVAL");
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> Mapping.anonymous(1L << 62))
                    .withMessageContaining("ENOMEM");
        }
    }

    private static long mappings() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/maps")).size();
    }

    private static String lineOf(long address) throws Exception {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.startsWith(Long.toHexString(address) + "-"))
                .findFirst()
                .orElse("");
    }

    private static String flagsOf(long address) throws Exception {
        return Files.readAllLines(Path.of("/proc/self/smaps")).stream()
                .dropWhile(line -> !line.startsWith(Long.toHexString(address) + "-"))
                .filter(line -> line.startsWith("VmFlags:"))
                .findFirst()
                .orElse("");
    }
}
