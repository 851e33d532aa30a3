package org.heteromem.devices.accelerator;

import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.memory.MemoryNode;

/**
 * The RAM of the processes that an accelerator serves, as far as it matters to a device: how much of it is free, and whether
 * a device can use a page where it is. Thread-safe.
 */
public interface HostMemory {
    /**
     * Whether compute units can load from and store to pages in RAM. Those of a live process they cannot: its RAM is mapped
     * by the process alone, since a late load through another mapping would bring a page into being that was just moved
     * away. Then every page that a unit touches comes to the device, and pages leave it by their addresses, under the
     * process's lock.
     */
    boolean reachable();

    /** {@return how many frames are free for pages that move; reserves count} */
    long availableFrames();

    /** {@return how many frames are free beyond the reserves} */
    long freeFrames();

    /**
     * Tries to make some frames free, for pages that are to leave the device.
     *
     * @param frames how many
     */
    void makeRoom(long frames);

    /**
     * Tries to bring pages to RAM that other devices hold: an accelerator takes pages from RAM only.
     *
     * @param space whose pages
     * @param address first byte, a multiple of the page size
     * @param length bytes, a positive multiple of the page size
     */
    void fetch(AddressSpace space, long address, long length);

    /**
     * {@return the nodes of a machine, which a device can use in place, and which nobody makes room in for it}
     *
     * @param manager the machine's memory
     */
    static HostMemory nodesOf(MemoryManager manager) {
        return new HostMemory() {
            @Override
            public boolean reachable() {
                return true;
            }

            @Override
            public long availableFrames() {
                long free = 0;
                for (MemoryNode node : manager.nodes()) {
                    free += node.freeFrames();
                }
                return free;
            }

            @Override
            public long freeFrames() {
                long free = 0;
                for (MemoryNode node : manager.nodes()) {
                    free += Math.max(0, node.freeFrames() - PressureRelief.reserveOf(node.frames()));
                }
                return free;
            }

            @Override
            public void makeRoom(long frames) {
                // The pages that lie there stay: the device takes what is free.
            }

            @Override
            public void fetch(AddressSpace space, long address, long length) {
                // What is elsewhere comes to RAM by the faults of those who touch it.
            }
        };
    }
}
