package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.devices.accelerator.Accelerator;
import org.heteromem.policy.Policies;
import org.junit.jupiter.api.Test;

/** The example of the README, as it stands there. */
class ReadmeExampleTest {
    @Test
    void aPageGoesToTheDeviceAndComesHomeWithTheRightValue() {
        try (MemoryManager manager = MemoryManager.builder().node(64L << 20).build();
                Accelerator device = Accelerator.builder(manager, Policies.byName("tree"))
                        .memory(32L << 20)
                        .build()) {
            AddressSpace space = manager.createAddressSpace();
            long address = space.map(48L << 20, Protection.READ_WRITE, Sharing.PRIVATE);
            try (Cpu cpu = space.newCpu()) {
                cpu.storeLong(address, 41);
                device.launch(space, (memory, unit, units) -> memory.getAndAddLong(address, 1))
                        .join();
                assertThat(Inspector.pages(space, address, 1)[0].kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
                assertThat(cpu.loadLong(address)).isEqualTo(45);
                assertThat(Inspector.pages(space, address, 1)[0].kind()).isEqualTo(PageKind.PRESENT);
            }
        }
    }
}
