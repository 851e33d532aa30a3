package org.heteromem.devices.storage;

import org.heteromem.core.MemoryManager;

/** Makes storage devices from what people write. */
public final class StorageDevices {
    private StorageDevices() {}

    /**
     * Adds a device to a machine.
     *
     * @param manager the machine's memory
     * @param spec as {@link StorageSpec#parse} reads it: {@code ram:1G}
     * @param memory where the store keeps what must survive
     * @param options the rest
     * @return the device
     * @throws IllegalArgumentException if the text names no device, with the part that is wrong
     */
    public static StorageDevice create(MemoryManager manager, String spec, StoreMemory memory, StorageOptions options) {
        return create(manager, StorageSpec.parse(spec), memory, options);
    }

    /**
     * Adds a device to a machine.
     *
     * @param manager the machine's memory
     * @param spec what it is
     * @param memory where the store keeps what must survive
     * @param options the rest
     * @return the device
     */
    public static StorageDevice create(
            MemoryManager manager, StorageSpec spec, StoreMemory memory, StorageOptions options) {
        String name = options.name().isEmpty() ? spec.kind().label() : options.name();
        return StorageDevice.add(manager, spec.open(name, memory, options.buffers()), options);
    }
}
