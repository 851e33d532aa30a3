package org.heteromem.devices.storage;

import java.util.List;
import java.util.function.LongPredicate;
import org.heteromem.core.memory.FrameStore;

/**
 * Bytes of pages that do not fit in RAM. Offsets are whole pages and {@link #read} and {@link #write} take any range of
 * them; offsets are address space, not capacity, so a write may find the store full.
 *
 * <p>A page holds contents from the end of a write to its {@link #discard}. A write that fails with a {@link
 * StorageException} has stored the pages before the exception's offset and none from there on. A read never gives zeros or
 * old bytes for contents that are gone: it throws. Safe for concurrent use on disjoint pages.
 */
public interface PageStore extends FrameStore {
    /** Alignment in bytes of memory that stores work with best. */
    long ALIGNMENT = 4096;

    /** {@return the name under which messages speak of the store} */
    String name();

    /** {@return one line for people: what it is, where, how large} */
    String description();

    /**
     * Forgets contents that nobody needs any more.
     *
     * @param offset byte offset, a multiple of the page size
     * @param bytes length, a multiple of the page size
     */
    void discard(long offset, long bytes);

    /**
     * {@return whether a page holds contents, as far as can be told without reading them}
     *
     * @param offset byte offset of the page
     */
    boolean holds(long offset);

    /** {@return whether reads and writes are done by the CPU and wait for no device (Linux: SWP_SYNCHRONOUS_IO)} */
    default boolean isSynchronous() {
        return true;
    }

    /** {@return how many bytes of its capacity the contents occupy} */
    long bytesUsed();

    /** {@return how many bytes it may occupy at most} */
    long capacityBytes();

    /** {@return how many bytes of pages it can hold whatever they contain, when it is empty} */
    default long guaranteedBytes() {
        return capacityBytes();
    }

    /**
     * Gives back to the system memory that has held nothing since the last call. Stores keep what they may soon need again:
     * whoever wants to have it calls this from time to time, once a second for example. Thread-safe.
     *
     * @return whether there will be something to give back unless it is used until the next call
     */
    default boolean trim() {
        return false;
    }

    /** {@return what is wrong with the store's books, for people, while nothing is under way; empty if nothing is} */
    default List<String> audit() {
        return List.of();
    }

    /**
     * Takes over what a predecessor left in the {@link StoreMemory}; before any other use. Pages that nobody uses are
     * dropped; a page whose entry makes no sense is dropped too, and a read of it will say so.
     *
     * @param used whether a page, counted from the start of the store, is still needed
     * @return how many pages hold contents
     */
    long recover(LongPredicate used);
}
