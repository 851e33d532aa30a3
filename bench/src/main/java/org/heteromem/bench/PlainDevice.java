package org.heteromem.bench;

import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.migrate.Migration;

/** The least that a driver of private memory can be: a list of free frames and a copy on the calling thread. */
final class PlainDevice implements DeviceDriver {
    private final long[] free;
    private int freeCount;
    private final DeviceMemory memory;

    PlainDevice(MemoryManager manager, long bytes) {
        this.memory = manager.addDevice(
                new DeviceMemory.Spec("device", DeviceKind.PRIVATE, this, new ArenaStore(bytes)), this);
        this.free = new long[(int) memory.frames()];
        for (long i = memory.frames() - 1; i >= 0; i--) {
            free[freeCount++] = memory.firstFrame() + i;
        }
    }

    /** Whether pages are copied: leaving it out shows the manager's own cost. */
    enum Copy {
        BYTES,
        NONE
    }

    int toDevice(AddressSpace space, long address, long length) {
        return toDevice(space, address, length, Copy.BYTES);
    }

    int toDevice(AddressSpace space, long address, long length, Copy copy) {
        try (Migration migration = Migration.setup(space, address, length, Set.of(Migration.Select.SYSTEM), this)) {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.sources().movable(i)) {
                    long frame = free[--freeCount];
                    memory.initFrame(frame);
                    migration.setDestination(i, frame);
                }
            }
            if (copy == Copy.BYTES) {
                migration.copyAll();
            }
            return migration.migrate();
        }
    }

    int toRam(AddressSpace space, long address, long length) {
        return toRam(space, address, length, Copy.BYTES);
    }

    int toRam(AddressSpace space, long address, long length, Copy copy) {
        try (Migration migration =
                Migration.setup(space, address, length, Set.of(Migration.Select.DEVICE_PRIVATE), this)) {
            return home(migration, copy);
        }
    }

    private static int home(Migration migration, Copy copy) {
        for (int i = 0; i < migration.pages(); i++) {
            if (migration.sources().movable(i) && !migration.sources().hole(i) && !migration.allocateRam(i)) {
                throw new IllegalStateException("the benchmark's RAM is too small");
            }
        }
        if (copy == Copy.BYTES) {
            migration.copyAll();
        }
        return migration.migrate();
    }

    @Override
    public DriverResult migrateToRam(DeviceFault fault) {
        try (Migration migration = Migration.forFault(fault, fault.address(), Page.SIZE)) {
            home(migration, Copy.BYTES);
        }
        return DriverResult.DONE;
    }

    @Override
    public void frameFreed(DeviceMemory owner, long frame) {
        free[freeCount++] = frame;
    }
}
