package org.heteromem.core.policy;

/**
 * What a policy sees of an aligned 2 MiB block of addresses of one process: who of its pages lives on the device, and how
 * the device uses it. A moment's view, cheap to ask, safe to ask from any thread.
 */
public interface BlockView {
    /** Pages in the unit in which the device counts accesses: 64 KiB. */
    int SLICE_PAGES = 16;

    /** {@return the number of the address space} */
    int space();

    /** {@return the block's first address, a multiple of 2 MiB} */
    long address();

    /**
     * {@return whether a page lives in the device's memory}
     *
     * @param page counted from the start of the block, 0 to 511
     */
    boolean onDevice(int page);

    /** {@return how many pages of the block live in the device's memory} */
    int pagesOnDevice();

    /**
     * {@return how often the device looked up an address of a 64 KiB slice: hits in a translation cache are not seen}
     *
     * @param slice counted from the start of the block, 0 to 31
     */
    long accesses(int slice);

    /** {@return how many faults the device had in the block} */
    long faults();

    /** {@return when the device last used the block, in ticks of a clock that goes on with every batch of faults} */
    long lastUse();

    /** {@return the place in the order in which blocks got their first page on the device; larger is later} */
    long arrival();
}
