package org.heteromem.core.policy;

import java.util.BitSet;
import java.util.List;

/**
 * Decides which pages go where and when: asked at a fault of either side, when RAM is short, and at a tick. It sees
 * counters and residency, never locks or page tables, and whatever it answers, no byte goes wrong. Thread-safe; called
 * without page-table locks; must be quick.
 */
public interface PlacementPolicy {
    /** {@return the name on the command line: lower-case letters, digits and hyphens} */
    String name();

    /** {@return one line for people} */
    String description();

    /**
     * The device touched pages that it has no translation for. Those that no answer covers are used in place.
     *
     * @param block the block they lie in
     * @param faulted the pages touched, counted from the start of the block; at least one; the callee's to change
     * @return what shall come to the device, in any order
     */
    List<PageRange> deviceFault(BlockView block, BitSet faulted);

    /**
     * A CPU touched a page that lives on the device and that it cannot address.
     *
     * @param block the block it lies in
     * @param page the page touched, which comes home whatever the answer
     * @return what shall come home with it
     */
    PageRange cpuFault(BlockView block, int page);

    /**
     * RAM is short, and the coldest pages go to the device.
     *
     * @param ram the node that is short
     * @param device the device
     * @param wanted how many frames are needed at least
     * @return how many pages shall go at once, at least {@code wanted}; by default a few slices' worth, so that the next
     *     that need a frame find one, but never much of a small node
     */
    default long pressure(MemoryView ram, MemoryView device, long wanted) {
        return Math.max(wanted, Math.min(4 * BlockView.SLICE_PAGES, ram.frames() / BlockView.SLICE_PAGES));
    }

    /**
     * Time has passed: a chance to move pages ahead of need.
     *
     * @param blocks the blocks that have pages on the device
     * @param device the device
     * @return what shall move
     */
    default List<Move> tick(List<BlockView> blocks, MemoryView device) {
        return List.of();
    }
}
