package org.heteromem.core.frame;

/**
 * Layout of the metadata of one frame (Linux: struct page): three words of 64 bits and one reference.
 *
 * <pre>
 *  word 0, counts   63      52 51              28 27               0
 *                  +----------+------------------+------------------+
 *                  | pins     | mappings         | references       |
 *                  +----------+------------------+------------------+
 *  word 1, state    63                        24 23                0
 *                  +----------------------------+-------------------+
 *                  | index (page offset)        | flags             |
 *                  +----------------------------+-------------------+
 *  word 2, links    63                        32 31                0
 *                  +----------------------------+-------------------+
 *                  | previous on the LRU + 1    | next + 1          |   RAM
 *                  | the driver's own word                          |   device memory
 *                  +----------------------------+-------------------+
 *  anchor           the reverse map's way to the mappings (page->mapping)
 * </pre>
 *
 * The three counts share a word so that "one reference more than mappings, no pin" is one atomic look, and a mapping and
 * the reference it holds come and go in one step: no count is ever visible wrong in between.
 */
public final class Frames {
    /** Words of metadata per frame. */
    public static final int WORDS = 3;
    /** Bytes of metadata per frame, with an uncompressed reference. */
    public static final int BYTES = WORDS * Long.BYTES + Long.BYTES;

    static final int COUNTS = 0;
    static final int STATE = 1;
    static final int LINKS = 2;

    /** One reference. */
    static final long REFERENCE = 1L;
    /** One mapping, without the reference it holds. */
    static final long MAPPING = 1L << 28;
    /** One pin, without the reference it holds. */
    static final long PIN = 1L << 52;

    static final int MAX_REFERENCES = (1 << 28) - 1;
    static final int MAX_MAPPINGS = (1 << 24) - 1;
    static final int MAX_PINS = (1 << 12) - 1;

    static final int FLAG_BITS = 24;
    static final long FLAG_MASK = (1L << FLAG_BITS) - 1;

    /** The page lock is held. */
    public static final int LOCKED = 1;
    /** Somebody waits for the page lock. */
    public static final int WAITERS = 1 << 1;
    /** On an LRU list of its node. */
    public static final int LRU = 1 << 2;
    /** On the active list. */
    public static final int ACTIVE = 1 << 3;
    /** Used since the last scan. */
    public static final int REFERENCED = 1 << 4;
    /** Written since it was clean. */
    public static final int DIRTY = 1 << 5;
    /** Belongs to anonymous memory: the anchor is an AnonVma. */
    public static final int ANON = 1 << 6;
    /** Mapped by exactly one process, which may write it without a copy (PageAnonExclusive). */
    public static final int ANON_EXCLUSIVE = 1 << 7;
    /** In use (not on a free list). */
    public static final int ALLOCATED = 1 << 8;
    /** Set aside for good, such as the zero page. */
    public static final int RESERVED = 1 << 9;

    /** A page is on its way here, until the page lock is released. */
    public static final int DESTINATION = 1 << 10;

    /** A device's frame that holds what a clean page in RAM holds too; the index is that page's frame. */
    public static final int COPY = 1 << 11;

    /**
     * A sequential reader has gone past it: it is on the list of those that leave first. With {@link #ACTIVE}: it came back so
     * soon after it had left that it stays, whoever goes past it.
     */
    public static final int BEHIND = 1 << 12;

    /** Among the oldest of its list, whose uses are looked for. */
    public static final int WATCHED = 1 << 13;

    /** Nobody is known to have used it since it was watched (Linux: PG_idle). */
    public static final int IDLE = 1 << 14;

    private Frames() {}

    /**
     * {@return the references in a word of counts}
     *
     * @param counts word 0
     */
    public static int references(long counts) {
        return (int) (counts & MAX_REFERENCES);
    }

    /**
     * {@return the mappings in a word of counts}
     *
     * @param counts word 0
     */
    public static int mappings(long counts) {
        return (int) (counts >>> 28) & MAX_MAPPINGS;
    }

    /**
     * {@return the pins in a word of counts}
     *
     * @param counts word 0
     */
    public static int pins(long counts) {
        return (int) (counts >>> 52);
    }
}
