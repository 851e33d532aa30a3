package org.heteromem.devices.testdriver;

import java.util.BitSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.jspecify.annotations.Nullable;

/** One device of the test driver: its memory, and a mirror for each process that opened it. Thread-safe. */
public final class TestDevice implements DeviceDriver {
    /** No frame is free. */
    static final long NO_FRAME = -1;

    private final MemoryManager manager;
    private final DeviceMemory memory;
    private final Map<AddressSpace, TestMirror> mirrors = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    /** Frames handed out, by their number within the memory; guarded by the lock. */
    private final BitSet used = new BitSet();

    private TestDevice(MemoryManager manager, String name, DeviceKind kind, FrameStore store) {
        this.manager = manager;
        this.memory = manager.addDevice(new DeviceMemory.Spec(name, kind, this, store), this);
    }

    /**
     * Adds a device to a machine.
     *
     * @param manager the machine's memory
     * @param name the device's name in messages
     * @param kind the kind of its memory
     * @param store the bytes
     * @return the device
     */
    public static TestDevice add(MemoryManager manager, String name, DeviceKind kind, FrameStore store) {
        return new TestDevice(manager, name, kind, store);
    }

    /** {@return the memory} */
    public DeviceMemory memory() {
        return memory;
    }

    MemoryManager manager() {
        return manager;
    }

    /**
     * {@return the mirror of a process, opened if it is not open yet}
     *
     * @param space the process
     */
    public TestMirror mirror(AddressSpace space) {
        return mirrors.computeIfAbsent(space, s -> new TestMirror(this, s));
    }

    void forget(TestMirror mirror) {
        mirrors.remove(mirror.space(), mirror);
    }

    // ---- frames ------------------------------------------------------------------------------------------------

    /** {@return a frame that is ready to be a migration's destination, or {@link #NO_FRAME}} */
    long allocate() {
        int free;
        lock.lock();
        try {
            free = used.nextClearBit(0);
            if (free >= memory.frames()) {
                return NO_FRAME;
            }
            used.set(free);
        } finally {
            lock.unlock();
        }
        long frame = memory.firstFrame() + free;
        memory.initFrame(frame);
        return frame;
    }

    @Override
    public void frameFreed(DeviceMemory from, long frame) {
        lock.lock();
        try {
            used.clear((int) (frame - from.firstFrame()));
        } finally {
            lock.unlock();
        }
    }

    /** {@return how many frames are handed out} */
    public int framesInUse() {
        lock.lock();
        try {
            return used.cardinality();
        } finally {
            lock.unlock();
        }
    }

    // ---- coming home -------------------------------------------------------------------------------------------

    @Override
    public DriverResult migrateToRam(DeviceFault fault) {
        try (Migration migration = Migration.forFault(fault, fault.address(), Page.SIZE)) {
            return bringHome(migration, mirrors.get(fault.space())) ? DriverResult.DONE : DriverResult.NO_MEMORY;
        }
    }

    /** Moves what was collected to RAM; false, and nothing has moved, if a frame could not be had. */
    static boolean bringHome(Migration migration, @Nullable TestMirror mirror) {
        for (int i = 0; i < migration.pages(); i++) {
            if (!migration.sources().movable(i) || migration.sources().hole(i)) {
                continue;
            }
            if ((mirror != null && mirror.mustFail()) || !migration.allocateRam(i)) {
                return false;
            }
            // The core tells a device nothing of its own migrations, so its own table is its own affair.
            if (mirror != null) {
                mirror.forget(migration.sources().address(i));
            }
            migration.copy(i);
        }
        migration.migrate();
        return true;
    }

    /** Moves every page on this device, of all processes, to RAM. Pages that somebody holds or locks stay. */
    public void evict() {
        long[] frames;
        lock.lock();
        try {
            frames = used.stream().mapToLong(i -> memory.firstFrame() + i).toArray();
        } finally {
            lock.unlock();
        }
        if (frames.length == 0) {
            return;
        }
        try (Migration migration = Migration.ofFrames(manager, frames)) {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.sources().movable(i) && migration.allocateRam(i)) {
                    migration.copy(i);
                }
            }
            migration.migrate();
        }
    }
}
