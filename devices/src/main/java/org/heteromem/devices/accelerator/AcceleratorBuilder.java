package org.heteromem.devices.accelerator;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/** What an accelerator consists of; see {@link Accelerator#builder}. Not thread-safe. */
public final class AcceleratorBuilder {
    /** The least memory an accelerator can have, in bytes: sixteen pages. */
    public static final long MIN_MEMORY_BYTES = 16L * Page.SIZE;
    /** The most memory an accelerator can have, in bytes. */
    public static final long MAX_MEMORY_BYTES = 1L << 40;
    /** The most compute units. */
    public static final int MAX_UNITS = 1024;

    final MemoryManager manager;
    final PolicySet policies;
    String name = "accelerator";
    long bytes = 32L << 20;
    private @Nullable FrameStore store;
    HostMemory host;
    int units = 4;
    Executor unitExecutor = Runnable::run;
    Executor faultExecutor = Runnable::run;
    Executor copyExecutor = Runnable::run;
    Waiting waiting = Waiting.parking();
    LongSupplier nanos = () -> 0;
    Predicate<Invalidation> suppressed = invalidation -> false;

    AcceleratorBuilder(MemoryManager manager, PolicySet policies) {
        this.manager = manager;
        this.policies = policies;
        this.host = HostMemory.nodesOf(manager);
    }

    /**
     * Names the device; by default {@code accelerator}.
     *
     * @param deviceName for messages and events
     * @return this
     */
    public AcceleratorBuilder name(String deviceName) {
        this.name = deviceName;
        return this;
    }

    /**
     * Sets the size of the device's memory; by default 32 MiB.
     *
     * @param size in bytes, a multiple of the page size, from {@link #MIN_MEMORY_BYTES} to {@link #MAX_MEMORY_BYTES}
     * @return this
     * @throws MemoryException EINVAL otherwise
     */
    public AcceleratorBuilder memory(long size) {
        if (size < MIN_MEMORY_BYTES || size > MAX_MEMORY_BYTES || (size & Page.OFFSET_MASK) != 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "device memory of " + size + " bytes: it must be whole pages of " + Page.SIZE + " bytes, from "
                            + MIN_MEMORY_BYTES + " to " + MAX_MEMORY_BYTES);
        }
        this.bytes = size;
        return this;
    }

    /**
     * Sets where the bytes of the device's memory are; by default in an arena of its own. For memory that is to outlive this
     * process, together with {@link Accelerator#recover}.
     *
     * @param bytesOfMemory addressable; its size becomes that of the memory; closed with the manager
     * @return this
     * @throws MemoryException EINVAL if {@link #memory} would not take the size
     */
    public AcceleratorBuilder store(FrameStore bytesOfMemory) {
        memory(bytesOfMemory.byteSize());
        this.store = Objects.requireNonNull(bytesOfMemory);
        return this;
    }

    FrameStore openStore() {
        return store == null ? new ArenaStore(bytes) : store;
    }

    /**
     * Sets what RAM the processes have that use the device; by default the nodes of the machine.
     *
     * @param ram its RAM
     * @return this
     */
    public AcceleratorBuilder host(HostMemory ram) {
        this.host = ram;
        return this;
    }

    /**
     * Sets how many compute units there are, and who runs them; by default four, one after the other on the thread that
     * launches.
     *
     * @param count from 1 to {@link #MAX_UNITS}
     * @param executor gets one task a unit at every launch; fewer threads than units run them in turn
     * @return this
     */
    public AcceleratorBuilder units(int count, Executor executor) {
        if (count < 1 || count > MAX_UNITS) {
            throw new MemoryException(Errno.EINVAL, count + " compute units: from 1 to " + MAX_UNITS + " are possible");
        }
        this.units = count;
        this.unitExecutor = executor;
        return this;
    }

    /**
     * Sets who serves faults; by default the unit that faults, while others that fault meanwhile wait and make the next
     * batch.
     *
     * @param executor gets a task when faults wait and nobody serves; it must have a thread that no kernel occupies. One that
     *     drops the task leaves it to callers of {@link Accelerator#serviceFaults}
     * @return this
     */
    public AcceleratorBuilder faultService(Executor executor) {
        this.faultExecutor = executor;
        return this;
    }

    /**
     * Sets who copies; by default whoever needs the copy.
     *
     * @param executor of the copy engine
     * @return this
     */
    public AcceleratorBuilder copyEngine(Executor executor) {
        this.copyExecutor = executor;
        return this;
    }

    /**
     * Sets how units, and those who wait for copies and kernels, wait; by default they park.
     *
     * @param port the waiting port
     * @return this
     */
    public AcceleratorBuilder waiting(Waiting port) {
        this.waiting = port;
        return this;
    }

    /**
     * Sets the clock that statistics are taken by; by default it stands still.
     *
     * @param clock nanoseconds since any moment, never going back
     * @return this
     */
    public AcceleratorBuilder clock(LongSupplier clock) {
        this.nanos = clock;
        return this;
    }

    /** For tests: notifications that the device does not hear, to show that its kernels then see the wrong value. */
    AcceleratorBuilder suppress(Predicate<Invalidation> which) {
        this.suppressed = which;
        return this;
    }

    /**
     * Registers the device.
     *
     * @return the accelerator
     * @throws MemoryException ENOMEM if the physical address space has no room for its memory
     */
    public Accelerator build() {
        return new Accelerator(this);
    }
}
