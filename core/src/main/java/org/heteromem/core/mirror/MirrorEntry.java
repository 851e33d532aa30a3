package org.heteromem.core.mirror;

import org.heteromem.core.space.RangeWalk;

/**
 * Layout of what a {@link RangeFault} reports for a page (Linux: hmm_pfn).
 *
 * <pre>
 *  63    62    61    60        40 39                    0
 *  +-----+-----+-----+-----------+----------------------+
 *  |VALID|WRITE|ERROR| 0         | frame number         |
 *  +-----+-----+-----+-----------+----------------------+
 * </pre>
 *
 * 0 means that nothing is usable without a fault.
 */
public final class MirrorEntry {
    private static final long FRAME_MASK = (1L << 40) - 1;

    private MirrorEntry() {}

    /**
     * {@return whether the device may read the page}
     *
     * @param entry an entry
     */
    public static boolean valid(long entry) {
        return (entry & RangeWalk.VALID) != 0;
    }

    /**
     * {@return whether the device may write the page}
     *
     * @param entry an entry
     */
    public static boolean writable(long entry) {
        return (entry & RangeWalk.WRITE) != 0;
    }

    /**
     * {@return whether no page can be there}
     *
     * @param entry an entry
     */
    public static boolean error(long entry) {
        return (entry & RangeWalk.ERROR) != 0;
    }

    /**
     * {@return the frame}
     *
     * @param entry a valid entry
     */
    public static long frame(long entry) {
        return entry & FRAME_MASK;
    }
}
