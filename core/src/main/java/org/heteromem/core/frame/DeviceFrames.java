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

    private static final long REMOVED = Long.MIN_VALUE;

    /** One for each frame in use (percpu_ref of dev_pagemap). */
    private final AtomicLong live = new AtomicLong();

    private volatile @Nullable Throwable failure;
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
        return Math.max(0, live.get());
    }

    /**
     * {@return whether some frames may be put to use: not when the memory has been removed}
     *
     * @param count how many
     */
    public boolean startUse(int count) {
        return live.getAndUpdate(n -> n == REMOVED ? n : n + count) != REMOVED;
    }

    /**
     * Takes a {@link #startUse} back, or part of it.
     *
     * @param count how many
     */
    public void endUse(int count) {
        live.getAndAdd(-count);
    }

    /** {@return whether no frame was in use; then none ever will be} */
    public boolean tryRemove() {
        if (!live.compareAndSet(0, REMOVED)) {
            return false;
        }
        table.remove(range);
        return true;
    }

    /** {@return whether the memory was removed} */
    public boolean removed() {
        return live.get() == REMOVED;
    }

    // What follows is asked about frames that nobody keeps in use, so also after their memory has gone,
    // when the numbers can be another memory's.

    /**
     * {@return the counts of a frame; 0 for a free one}
     *
     * @param frame a frame of this memory
     */
    public long counts(long frame) {
        return FrameTable.counts(range.section(frame), frame);
    }

    /**
     * {@return the driver's own word; 0 for a free frame}
     *
     * @param frame a frame of this memory
     */
    public long driverData(long frame) {
        return FrameTable.links(range.section(frame), frame);
    }

    /**
     * {@return the page in RAM that a frame is a copy of, or -1}
     *
     * @param frame a frame of this memory
     */
    public long copiedFrom(long frame) {
        return FrameTable.copiedFrom(range.section(frame), frame);
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
        Throwable broken = failure;
        if (broken != null) {
            throw new IllegalStateException(
                    "the driver of '" + name() + "' failed when it was given a frame back, which it has lost", broken);
        }
    }

    @Override
    public void lastReferenceGone(long frame) {
        // From the reset on somebody else may have the frame.
        table.setLinks(frame, 0);
        table.reset(frame);
        try {
            driver.frameFreed(memory, frame);
        } catch (RuntimeException | Error e) {
            // Whoever puts the last reference has nothing to do with it, and must finish what it does.
            failure = e;
        } finally {
            // Only now, so that the memory is not removed before its driver has heard of all.
            endUse(1);
        }
    }

    @Override
    public void lastReferencesGone(long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            table.setLinks(frames[i], 0);
            table.reset(frames[i]);
        }
        try {
            driver.framesFreed(memory, frames, count);
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            endUse(count);
        }
    }
}
