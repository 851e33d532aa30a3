package org.heteromem.live.daemon;

import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.devices.storage.StorageDevice;

/**
 * Keeps room on faster devices by moving what has been there longest to the next slower one (Linux: demotion by memory
 * tiers): a little ahead of need in the background, and at once where a device has refused a page. Thread-safe.
 */
final class Demotion {
    /** Which part of a device is kept free, and at most how many bytes. */
    private static final int HEADROOM_PART = 32;

    private static final long MAX_HEADROOM_BYTES = 16L << 20;
    /** Most pages moved before RAM is looked after again. */
    private static final int BATCH = 256;

    private final List<StorageDevice> devices;

    /**
     * Of some devices.
     *
     * @param fastestFirst in the order in which they are filled
     */
    Demotion(List<StorageDevice> fastestFirst) {
        this.devices = fastestFirst;
    }

    /** Makes each device but the last that has less than its headroom a batch emptier; returns whether any is. */
    boolean keepHeadroom() {
        boolean moved = false;
        for (int i = devices.size() - 2; i >= 0; i--) {
            StorageDevice device = devices.get(i);
            long headroom = Math.min(device.store().capacityBytes() / HEADROOM_PART, MAX_HEADROOM_BYTES);
            // No more than is wanted: what is faster should be full.
            int batch = Math.clamp(Page.of(headroom), 1, BATCH);
            // Copies of pages that are in RAM go first: they cost nothing.
            if (lacks(device, headroom)
                    && (device.dropCopies(batch) > 0 || device.demoteTo(devices.get(i + 1), batch) > 0)) {
                moved = true;
            }
        }
        return moved;
    }

    private static boolean lacks(StorageDevice device, long headroom) {
        return device.store().bytesUsed() > device.store().capacityBytes() - headroom
                || device.freeSlots() < Page.of(headroom);
    }

    /** Moves pages off a device now, and off slower ones if those are full too; returns whether any page moved. */
    boolean makeRoom(int device, int pages) {
        if (device + 1 >= devices.size()) {
            return false;
        }
        StorageDevice from = devices.get(device);
        StorageDevice slower = devices.get(device + 1);
        return from.demoteTo(slower, pages) > 0 || (makeRoom(device + 1, pages) && from.demoteTo(slower, pages) > 0);
    }
}
