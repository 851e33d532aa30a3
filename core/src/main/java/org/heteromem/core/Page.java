package org.heteromem.core;

/** The unit in which memory is mapped and moved: a base page of 4 KiB. The one place where its size is written. */
public final class Page {
    /** log2 of {@link #SIZE}. */
    public static final int SHIFT = 12;
    /** Bytes in a page. */
    public static final int SIZE = 1 << SHIFT;
    /** Mask of the byte offset within a page. */
    public static final long OFFSET_MASK = SIZE - 1;
    /** Pages in a 2 MiB block, the reach of one page-table leaf. */
    public static final int PER_BLOCK = 512;
    /** Bits of a virtual address: four levels of nine bits above the page offset. */
    public static final int ADDRESS_BITS = 48;

    private Page() {}

    /**
     * {@return the number of pages that {@code bytes} occupy, rounded up}
     *
     * @param bytes a length in bytes, not negative
     */
    public static long count(long bytes) {
        return (bytes >>> SHIFT) + ((bytes & OFFSET_MASK) == 0 ? 0 : 1);
    }

    /**
     * {@return the page number that {@code address} lies in}
     *
     * @param address a byte address
     */
    public static long of(long address) {
        return address >>> SHIFT;
    }

    /**
     * {@return the address of the first byte of {@code page}}
     *
     * @param page a page number
     */
    public static long address(long page) {
        return page << SHIFT;
    }
}
