package org.heteromem.core.device;

import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.ResourceMap;
import org.heteromem.core.space.Machine;
import org.heteromem.core.space.PageMigration;

/**
 * Memory that belongs to a device, with a frame of metadata for each page (Linux: dev_pagemap). Frame numbers are address
 * space, not capacity: the driver hands out its frames as it likes. Thread-safe.
 */
public final class DeviceMemory {
    private final String name;
    private final DeviceKind kind;
    private final Object owner;
    private final ResourceMap.Resource resource;
    private final DeviceFrames frames;

    private DeviceMemory(Spec spec, Machine machine, ResourceMap.Resource resource, DeviceDriver driver) {
        this.name = spec.name();
        this.kind = spec.kind();
        this.owner = spec.owner();
        this.resource = resource;
        this.frames = new DeviceFrames(
                machine.frames,
                Page.of(resource.start()),
                Page.count(spec.store().byteSize()),
                this,
                driver,
                spec.store());
    }

    /**
     * What is asked of {@link org.heteromem.core.MemoryManager#addDevice}.
     *
     * @param name the device's name in messages and events
     * @param kind the kind of memory
     * @param owner who it belongs to (pgmap owner): pages of one's own are seen by one's own mirrors; compared by identity
     * @param store the bytes
     */
    public record Spec(String name, DeviceKind kind, Object owner, FrameStore store) {
        /** Checks what can be checked. */
        public Spec {
            if (store.byteSize() <= 0 || (store.byteSize() & Page.OFFSET_MASK) != 0) {
                throw new MemoryException(
                        Errno.EINVAL,
                        "device memory '" + name + "' has " + store.byteSize() + " bytes; it must be whole pages");
            }
            if (kind == DeviceKind.COHERENT && store.segment(0) == null) {
                throw new MemoryException(
                        Errno.EINVAL, "coherent device memory '" + name + "' needs a store that the CPU can address");
            }
        }
    }

    /**
     * Registers memory; for {@link org.heteromem.core.MemoryManager}.
     *
     * @param spec what is asked
     * @param machine where
     * @param resources the map of physical addresses
     * @param driver who drives it
     * @return the memory
     */
    @SuppressWarnings("exports") // only the core can call it
    public static DeviceMemory register(Spec spec, Machine machine, ResourceMap resources, DeviceDriver driver) {
        // Un-addressable memory borrows addresses from the top; coherent memory has addresses of its own, which a
        // machine without firmware tables also finds there.
        ResourceMap.Resource resource = resources.claimTop(
                spec.store().byteSize(),
                Page.SIZE * (long) Page.PER_BLOCK,
                spec.kind() == DeviceKind.PRIVATE ? ResourceMap.Kind.UNADDRESSABLE : ResourceMap.Kind.SPECIAL_PURPOSE,
                spec.name());
        return new DeviceMemory(spec, machine, resource, driver);
    }

    /**
     * Takes the memory away; for {@link org.heteromem.core.MemoryManager}.
     *
     * @param resources the map of physical addresses
     * @throws MemoryException EBUSY while frames are in use
     */
    public void unregister(ResourceMap resources) {
        table().forEachFrame(frames.range, (frame, _, flags) -> {
            if ((flags & Frames.COPY) != 0) {
                dropCopy(frame);
            }
        });
        if (!frames.tryRemove()) {
            throw new MemoryException(
                    Errno.EBUSY,
                    "device memory '" + name + "' still has " + liveReferences() + " frames in use; evict them first");
        }
        resources.release(resource);
    }

    private FrameTable table() {
        return frames.table;
    }

    /** {@return the device's name} */
    public String name() {
        return name;
    }

    /** {@return the kind of memory} */
    public DeviceKind kind() {
        return kind;
    }

    /** {@return who it belongs to, compared by identity} */
    public Object owner() {
        return owner;
    }

    /** {@return the number of the first frame} */
    public long firstFrame() {
        return frames.range.first;
    }

    /** {@return how many frames it has} */
    public long frames() {
        return frames.range.count;
    }

    /** {@return the bytes} */
    public FrameStore store() {
        return frames.store();
    }

    /** {@return how many references hold the memory alive: one for each frame in use} */
    public long liveReferences() {
        return frames.framesInUse();
    }

    /** {@return whether it was removed: its frames are none any more, and their numbers may be another memory's} */
    public boolean removed() {
        return frames.removed();
    }

    /** {@return whether CPU page tables may map it} */
    public boolean cpuAddressable() {
        return frames.cpuAddressable();
    }

    /** {@return whether a reference is enough to keep a page in place for a short time} */
    public boolean supportsReferencePinning() {
        return kind == DeviceKind.COHERENT;
    }

    /** {@return whether a page may be pinned for long in place} */
    public boolean supportsLongTermPinning() {
        return false;
    }

    /**
     * {@return whether a frame belongs to this memory}
     *
     * @param frame a frame number
     */
    public boolean contains(long frame) {
        return Long.compareUnsigned(frame - firstFrame(), frames()) < 0;
    }

    /**
     * {@return the offset of a frame's bytes in {@link #store}}
     *
     * @param frame a frame of this memory
     */
    public long offset(long frame) {
        check(frame);
        return frames.range.offset(frame);
    }

    private void check(long frame) {
        if (!contains(frame)) {
            throw new MemoryException(
                    Errno.EINVAL, "frame 0x" + Long.toHexString(frame) + " does not belong to device '" + name + "'");
        }
    }

    /**
     * Readies a free frame to become the destination of a migration: one reference, locked (zone_device_page_init). A
     * migration that does not use it gives it back; so does {@link #abandon}.
     *
     * @param frame a frame of this memory that is not in use
     * @throws MemoryException EBUSY if the frame is in use, EINVAL if the memory was removed
     * @throws IllegalStateException if the driver threw when it was last given a frame back
     */
    public void initFrame(long frame) {
        if (!tryInitFrame(frame)) {
            throw new MemoryException(Errno.EINVAL, "device memory '" + name + "' was removed and takes no pages");
        }
    }

    /**
     * Readies a free frame as {@link #initFrame} does, unless the memory was removed: for a driver that lets others remove it
     * while it moves pages.
     *
     * @param frame a frame of this memory that is not in use
     * @return false if the memory was removed
     * @throws MemoryException EBUSY if the frame is in use
     * @throws IllegalStateException if the driver threw when it was last given a frame back
     */
    public boolean tryInitFrame(long frame) {
        return tryInitFrames(frame, 1);
    }

    /**
     * Readies neighbouring free frames as {@link #tryInitFrame} does.
     *
     * @param first a frame of this memory that is not in use
     * @param count how many, at least one; none of them is in use
     * @return false if the memory was removed
     * @throws MemoryException EBUSY if a frame is in use, EINVAL if one does not belong to this memory; then none is ready,
     *     unless another thread readies one of them at the same time
     * @throws IllegalStateException if the driver threw when it was last given a frame back
     */
    public boolean tryInitFrames(long first, int count) {
        check(first);
        check(first + count - 1);
        if (count < 1) {
            throw new MemoryException(Errno.EINVAL, count + " frames of device '" + name + "' cannot be readied");
        }
        frames.checkDriver();
        if (!frames.startUse(count)) {
            return false;
        }
        int ready = 0;
        try {
            for (long frame = first; frame < first + count; frame++) {
                // Before any is claimed; and from here on nothing is allocated.
                if (table().flags(frame) != 0) {
                    throw inUse(frame);
                }
            }
            while (ready < count && table().claim(first + ready, Frames.LOCKED)) {
                ready++;
            }
        } finally {
            if (ready < count) {
                frames.endUse(count - ready);
            }
        }
        if (ready < count) {
            throw inUse(first + ready);
        }
        return true;
    }

    private MemoryException inUse(long frame) {
        return new MemoryException(
                Errno.EBUSY,
                "frame 0x" + Long.toHexString(frame) + " of device '" + name + "' is in use and cannot be readied");
    }

    /**
     * Gives a frame back that {@link #initFrame} made ready and that went into no migration.
     *
     * @param frame such a frame
     * @throws MemoryException EINVAL for any other
     */
    public void abandon(long frame) {
        check(frame);
        if (!table().readied(frame) || table().has(frame, Frames.DESTINATION)) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "frame 0x" + Long.toHexString(frame) + " of device '" + name
                            + "' is not readied, or a migration has it already");
        }
        table().unlock(frame);
        table().put(frame);
    }

    /**
     * {@return the driver's own word for a frame (zone_device_data); 0 on a frame not in use}
     *
     * @param frame a frame of this memory
     */
    public long driverData(long frame) {
        check(frame);
        return frames.driverData(frame);
    }

    /**
     * Sets the driver's own word for a frame.
     *
     * @param frame a frame of this memory
     * @param value any value
     */
    public void setDriverData(long frame, long value) {
        check(frame);
        table().setLinks(frame, value);
    }

    /**
     * {@return whether a frame holds the copy of a clean page that is in RAM} See {@link
     * org.heteromem.core.migrate.Migration#keepSource}.
     *
     * @param frame a frame of this memory
     */
    public boolean isCopy(long frame) {
        check(frame);
        return frames.copiedFrom(frame) >= 0;
    }

    /**
     * Sends a page to its copy here; for {@link org.heteromem.core.migrate.Migration}.
     *
     * @param pages the migration
     * @param i which page
     * @return the frame, or 0 if it has none here
     */
    @SuppressWarnings("exports") // only the core can call it
    public long reuseCopy(PageMigration pages, int i) {
        return pages.reuseCopy(i, frames);
    }

    /**
     * Gives up the copy of a clean page: the frame is free. The page stays where it is, and will be copied when it leaves.
     *
     * @param frame a frame of this memory
     * @return false if it is no copy (any more)
     */
    public boolean dropCopy(long frame) {
        check(frame);
        long page = frames.copiedFrom(frame);
        if (page < 0 || !table().takeCopy(page, frame)) {
            return false;
        }
        table().dropCopy(frame);
        return true;
    }

    /**
     * {@return how many references a frame has; 0 if it is free}
     *
     * @param frame a frame of this memory
     */
    public int references(long frame) {
        check(frame);
        return Frames.references(frames.counts(frame));
    }
}
