package org.heteromem.core.frame;

import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.memory.FrameStore;
import org.jspecify.annotations.Nullable;

/** The core's side of a device's memory: its frames in the frame table and the live reference that holds it. */
public final class DeviceFrames implements FrameOwner {
    /** The metadata of all frames. */
    public final FrameTable table;
    /** The frames. */
    public final FrameRange range;
    /** One for each frame in use (percpu_ref of dev_pagemap). */
    public final AtomicLong live = new AtomicLong();

    private volatile @Nullable RuntimeException failure;
    private final DeviceMemory memory;
    private final DeviceDriver driver;
    private final FrameStore store;

    /**
     * Adds the frames.
     *
     * @param table the metadata of all frames
     * @param firstFrame number of the first
     * @param count how many
     * @param memory the memory
     * @param driver its driver
     * @param store the bytes
     */
    public DeviceFrames(
            FrameTable table, long firstFrame, long count, DeviceMemory memory, DeviceDriver driver, FrameStore store) {
        this.table = table;
        this.memory = memory;
        this.driver = driver;
        this.store = store;
        this.range = table.add(firstFrame, count, this);
    }

    @Override
    public String name() {
        return memory.name();
    }

    @Override
    public FrameStore store() {
        return store;
    }

    @Override
    public boolean cpuAddressable() {
        return memory.kind() == DeviceKind.COHERENT;
    }

    @Override
    public boolean isDevice() {
        return true;
    }

    @Override
    public long framesInUse() {
        return live.get();
    }

    /** {@return the device memory} */
    public DeviceMemory memory() {
        return memory;
    }

    /** {@return its driver} */
    public DeviceDriver driver() {
        return driver;
    }

    /**
     * Lets the driver know at its next step that it failed to take a frame back.
     *
     * @throws IllegalStateException if it did
     */
    public void checkDriver() {
        RuntimeException broken = failure;
        if (broken != null) {
            throw new IllegalStateException(
                    "the driver of '" + name() + "' failed when it was given a frame back, which it has lost", broken);
        }
    }

    @Override
    public void lastReferenceGone(long frame) {
        table.reset(frame);
        table.setLinks(frame, 0);
        live.getAndDecrement();
        try {
            driver.frameFreed(memory, frame);
        } catch (RuntimeException e) {
            // Whoever puts the last reference has nothing to do with it, and must finish what it does.
            failure = e;
        }
    }
}
