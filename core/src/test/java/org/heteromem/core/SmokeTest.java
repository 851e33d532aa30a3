package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SmokeTest {
    static final class Driver implements DeviceDriver {
        long next;
        int freed;

        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            try (Migration m = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                if (!m.sources().movable(0)) {
                    return DriverResult.DONE;
                }
                if (!m.allocateRam(0)) {
                    return DriverResult.NO_MEMORY;
                }
                m.copy(0);
                m.migrate();
            }
            return DriverResult.DONE;
        }

        /** {@return how many pages of a range have moved to the next frames} */
        long take(DeviceMemory memory, AddressSpace space, long address, int pages) {
            try (Migration m =
                    Migration.setup(space, address, Page.address(pages), Set.of(Migration.Select.SYSTEM), this)) {
                for (int i = 0; i < m.pages(); i++) {
                    if (m.sources().movable(i)) {
                        long frame = memory.firstFrame() + next++;
                        memory.initFrame(frame);
                        m.setDestination(i, frame);
                        m.copy(i);
                    }
                }
                return m.migrate();
            }
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            freed++;
        }
    }

    private final Driver driver = new Driver();
    private MemoryManager manager;
    private DeviceMemory memory;
    private AddressSpace space;
    private long a;

    @BeforeEach
    void setUp() {
        manager = MemoryManager.builder().node(16 << 20).build();
        memory = manager.addDevice(
                new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, driver, new ArenaStore(4 << 20)), driver);
        space = manager.createAddressSpace();
        a = space.map(8L * Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
    }

    @AfterEach
    void tearDown() {
        manager.close();
    }

    @Test
    void aPageGoesToTheDeviceAndComesBackAtATouch() {
        try (Cpu cpu = space.newCpu()) {
            for (int i = 0; i < 4; i++) {
                cpu.storeLong(a + i * 4096L, 100 + i);
            }
            assertThat(driver.take(memory, space, a, 8)).isEqualTo(8);
            assertThat(Inspector.pages(space, a, 8)).allMatch(p -> p.kind() == PageKind.DEVICE_PRIVATE);
            AddressSpace child = space.fork();
            for (int i = 0; i < 8; i++) {
                assertThat(cpu.loadLong(a + i * 4096L)).isEqualTo(i < 4 ? 100 + i : 0);
            }
            cpu.storeLong(a, 7);
            try (Cpu other = child.newCpu()) {
                assertThat(other.loadLong(a)).isEqualTo(100);
            }
            assertThat(driver.freed).isEqualTo(8);
            assertThat(memory.liveReferences()).isZero();
            assertThatThrownBy(() -> cpu.loadLong(a + 8 * 4096L)).isInstanceOf(AccessException.class);
        }
    }

    @Test
    void placesOfPagesAreToldAsTheyAre() {
        try (Cpu cpu = space.newCpu()) {
            for (int i = 0; i < 5; i++) {
                cpu.storeLong(a + i * 4096L, 1);
            }
        }
        assertThat(driver.take(memory, space, a + 4096, 2)).isEqualTo(2);
        List<String> runs = new ArrayList<>();
        List<String> each = new ArrayList<>();
        Inspector.places(space, a, 10, (kind, where, pages) -> {
            runs.add(kind + " " + pages);
            each.addAll(Collections.nCopies((int) pages, kind + " " + where));
        });
        assertThat(runs).containsExactly("PRESENT 1", "DEVICE_PRIVATE 2", "PRESENT 2", "NONE 3", "UNMAPPED 2");
        assertThat(each)
                .isEqualTo(Arrays.stream(Inspector.pages(space, a, 10))
                        .map(page -> page.kind() + " " + page.memory())
                        .toList());
    }
}
