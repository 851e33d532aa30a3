package org.heteromem.live.daemon;

import java.util.function.LongPredicate;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.devices.accelerator.Accelerator;
import org.heteromem.devices.storage.StorageDevice;

/** A device as the {@link Ledger} and a {@link Takeover} know it: frames that hold pages, and outlive the daemon. */
interface PageHolder {
    /** In {@link #restore}: the device has nothing of this page. */
    int NO_FRAME = StorageDevice.NO_SLOT;

    /** Its memory. */
    DeviceMemory memory();

    /** Keeps the frames that are in use, counted from the first; before any page is moved. */
    void recover(LongPredicate used);

    /** Maps pages that are in frames, counted from the first, from an address on; returns how many. */
    int restore(AddressSpace space, long address, int[] frameOfPage);

    /** One that stores. */
    static PageHolder of(StorageDevice device) {
        return new PageHolder() {
            @Override
            public DeviceMemory memory() {
                return device.memory();
            }

            @Override
            public void recover(LongPredicate used) {
                device.recover(used);
            }

            @Override
            public int restore(AddressSpace space, long address, int[] frameOfPage) {
                return device.restore(space, address, frameOfPage);
            }
        };
    }

    /** One that computes. */
    static PageHolder of(Accelerator device) {
        return new PageHolder() {
            @Override
            public DeviceMemory memory() {
                return device.memory();
            }

            @Override
            public void recover(LongPredicate used) {
                device.recover(used);
            }

            @Override
            public int restore(AddressSpace space, long address, int[] frameOfPage) {
                return device.restore(space, address, frameOfPage);
            }
        };
    }
}
