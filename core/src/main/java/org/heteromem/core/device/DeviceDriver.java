package org.heteromem.core.device;

import org.heteromem.core.frame.Failures;

/**
 * What a driver does for its memory (Linux: dev_pagemap_ops). A driver owns its device's page table and follows processes
 * through mirrors. Methods may be called by several threads at once, never under a page-table lock.
 */
public interface DeviceDriver {
    /**
     * A CPU, or somebody who wants to reference the page, touched a page that lives here and that the CPU cannot address.
     * The driver moves it to RAM, usually by a {@code Migration} made for this fault; it may take neighbours along. The
     * page is locked and referenced by the core for the time of the call. An exception counts as {@link
     * DriverResult#FAILED}.
     *
     * @param fault which page, and who touched it
     * @return what became of it
     */
    DriverResult migrateToRam(DeviceFault fault);

    /**
     * The last reference to a frame is gone: it is the driver's again (folio_free). An exception stops nobody; the driver
     * meets it at its next {@link DeviceMemory#initFrame}.
     *
     * @param memory the memory it belongs to
     * @param frame the frame's number
     */
    void frameFreed(DeviceMemory memory, long frame);

    /**
     * The last references to several frames are gone, where a migration lets go of many at once. As {@link #frameFreed} for
     * each of them, which is what it does unless a driver knows better.
     *
     * @param memory the memory they belong to
     * @param frames the frames' numbers, from the start; the core's own, not to be kept
     * @param count how many
     */
    default void framesFreed(DeviceMemory memory, long[] frames, int count) {
        Throwable failed = null;
        for (int i = 0; i < count; i++) {
            try {
                frameFreed(memory, frames[i]);
            } catch (RuntimeException | Error e) {
                failed = failed == null ? e : failed;
            }
        }
        Failures.rethrow(failed);
    }
}
