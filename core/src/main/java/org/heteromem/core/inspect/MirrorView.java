package org.heteromem.core.inspect;

import org.heteromem.core.AddressSpace;

/**
 * A device's own page table as the {@link StateChecker} wants to see it: the port by which drivers and emulated accelerators
 * have their mirrors compared with the page tables of the processes they follow.
 */
@FunctionalInterface
public interface MirrorView {
    /** Takes entries one by one. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Sees an entry.
         *
         * @param space the process whose address it is
         * @param address first byte of the page
         * @param frame the frame through which the device would access the page
         * @param writable whether it would store through it
         */
        void entry(AddressSpace space, long address, long frame, boolean writable);
    }

    /**
     * Shows every entry through which the device could access memory now. Called at a quiet point; must not call into the
     * memory manager.
     *
     * @param visitor what to show them to
     */
    void forEach(Visitor visitor);
}
