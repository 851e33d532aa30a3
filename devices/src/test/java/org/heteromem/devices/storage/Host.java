package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;

/** A small machine with a process, for storage devices; its end checks that the machine's state is sound. */
final class Host implements AutoCloseable {
    final Arena arena = Arena.ofShared();
    final MemoryManager manager;
    final AddressSpace space;
    final Cpu cpu;

    Host(int ramPages) {
        manager = MemoryManager.builder()
                .node(new ArenaStore(Page.address(ramPages)))
                .build();
        space = manager.createAddressSpace();
        cpu = space.newCpu();
    }

    StorageDevice device(String spec, StorageOptions options) {
        return StorageDevices.create(manager, spec, StoreMemory.of(arena), options);
    }

    /** From now on cold pages go to a device when RAM is short. */
    void overflowTo(StorageDevice... devices) {
        manager.setPressureHandler(new Overflow(manager, List.of(devices)));
    }

    long map(int pages) {
        return space.map(Page.address(pages), Protection.READ_WRITE, Sharing.PRIVATE);
    }

    void fill(long address, int pages, long number) {
        for (int i = 0; i < pages; i++) {
            cpu.write(address + Page.address(i), Contents.segment(number + i), 0, Page.SIZE);
        }
    }

    void check(long address, int pages, long number) {
        for (int i = 0; i < pages; i++) {
            assertPage(cpu, address + Page.address(i), number + i);
        }
    }

    static void assertPage(Cpu cpu, long address, long number) {
        MemorySegment page = MemorySegment.ofArray(new long[Page.SIZE / Long.BYTES]);
        cpu.read(address, page, 0, Page.SIZE);
        assertThat(Contents.same(page, 0, number))
                .as("page at 0x%x holds contents %d", address, number)
                .isTrue();
    }

    PageView view(long address) {
        return Inspector.pages(space, address, 1)[0];
    }

    long on(StorageDevice device, long address, int pages) {
        long n = 0;
        for (PageView view : Inspector.pages(space, address, pages)) {
            n += view.kind() == PageKind.DEVICE_PRIVATE && view.memory().equals(device.name()) ? 1 : 0;
        }
        return n;
    }

    @Override
    public void close() {
        StateChecker.assertSound(manager);
        for (DeviceMemory memory : manager.devices()) {
            if (memory.owner() instanceof StorageDevice device) {
                assertThat(device.audit()).isEmpty();
            }
        }
        cpu.close();
        manager.close();
        arena.close();
    }
}
