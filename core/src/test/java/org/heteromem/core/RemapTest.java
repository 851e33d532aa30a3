package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.heteromem.core.inspect.StateChecker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RemapTest {
    private static final long P = Page.SIZE;

    /** Unmapping the target splits the area that is moved: what is moved must then be the upper part, not the lower. */
    @ParameterizedTest
    @EnumSource(RemapMode.class)
    void aTargetBelowTheSourceInTheSameArea(RemapMode mode) {
        try (MemoryManager manager = MemoryManager.builder().node(1 << 20).build()) {
            AddressSpace space = manager.createAddressSpace();
            long base = space.map(16 * P, Protection.READ_WRITE, Sharing.PRIVATE);
            Cpu cpu = space.newCpu();
            for (int i = 0; i < 16; i++) {
                cpu.storeLong(base + i * P, 100 + i);
            }
            space.remap(base + 10 * P, 4 * P, base + 2 * P, mode);
            StateChecker.assertSound(manager);
            AddressSpace child = space.fork();
            for (int i = 0; i < 4; i++) {
                assertThat(cpu.loadLong(base + (2 + i) * P)).isEqualTo(110 + i);
                cpu.storeLong(base + (2 + i) * P, 7);
            }
            assertThat(cpu.loadLong(base + 9 * P)).isEqualTo(109);
            assertThat(cpu.loadLong(base + 14 * P)).isEqualTo(114);
            StateChecker.assertSound(manager);
            child.exit();
            StateChecker.assertSound(manager);
        }
    }

    /** Several areas, one after the other, into a hole that the first of them leaves room for. */
    @Test
    void severalAreasKeepTheirDistances() {
        try (MemoryManager manager = MemoryManager.builder().node(1 << 20).build()) {
            AddressSpace space = manager.createAddressSpace();
            long base = space.map(16 * P, Protection.READ_WRITE, Sharing.PRIVATE);
            Cpu cpu = space.newCpu();
            for (int i = 0; i < 16; i++) {
                cpu.storeLong(base + i * P, 100 + i);
            }
            space.protect(base + 11 * P, P, Protection.READ);
            space.unmap(base + 12 * P, P);
            space.remap(base + 10 * P, 4 * P, base, RemapMode.MOVE);
            assertThat(cpu.loadLong(base)).isEqualTo(110);
            assertThat(cpu.loadLong(base + P)).isEqualTo(111);
            assertThat(cpu.loadLong(base + 2 * P)).isEqualTo(102);
            assertThat(cpu.loadLong(base + 3 * P)).isEqualTo(113);
            StateChecker.assertSound(manager);
        }
    }
}
