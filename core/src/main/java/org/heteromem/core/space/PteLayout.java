package org.heteromem.core.space;

/**
 * Layout of a page-table entry.
 *
 * <pre>
 *  63      52 51                    12 11   9  8   7  6  5  4  3   0
 *  +---------+------------------------+------+---+---+--+--+--+-----+
 *  | 0       | frame number           | 0    | X | D | Y| W| R| kind|
 *  +---------+------------------------+------+---+---+--+--+--+-----+
 *   R readable by the CPU (clear under PROT_NONE)      W writable
 *   Y young: used since last cleared                   D dirty: written
 *   X exclusive: on a migration entry, the page belonged to this process alone
 * </pre>
 *
 * An entry with the frame masked in place is the physical address of its page, as on x86-64. An empty entry is 0. Every
 * kind but {@link #PRESENT} makes a CPU fault. Device-private and device-exclusive entries are mappings: they hold a
 * reference and a mapping count; a migration entry holds neither (its migrator holds the reference and the page lock).
 */
public final class PteLayout {
    /** Nothing is mapped. */
    public static final int NONE = 0;
    /** A page that the CPU can reach: RAM or coherent device memory, or the shared zero page. */
    public static final int PRESENT = 1;
    /** A page in device memory that the CPU cannot address. */
    public static final int DEVICE_PRIVATE = 2;
    /** A page that a device has for itself until a CPU touches it. */
    public static final int DEVICE_EXCLUSIVE = 3;
    /** A page on its way elsewhere. */
    public static final int MIGRATION = 4;
    /** A guard: touching it is an error. */
    public static final int GUARD = 5;
    /** A page whose only copy was lost (hwpoison); the frame says where it lived. */
    public static final int LOST = 6;

    /** How many kinds there are. */
    public static final int KINDS = 7;

    static final long KIND_MASK = 0xf;
    static final long READ = 1L << 4;
    static final long WRITE = 1L << 5;
    static final long YOUNG = 1L << 6;
    static final long DIRTY = 1L << 7;
    static final long EXCLUSIVE = 1L << 8;
    private static final int FRAME_SHIFT = 12;
    private static final long FRAME_MASK = ((1L << 40) - 1) << FRAME_SHIFT;

    private PteLayout() {}

    /**
     * {@return the kind of an entry}
     *
     * @param entry an entry
     */
    public static int kind(long entry) {
        return (int) (entry & KIND_MASK);
    }

    /**
     * {@return the frame number of an entry}
     *
     * @param entry an entry
     */
    public static long frame(long entry) {
        return (entry & FRAME_MASK) >>> FRAME_SHIFT;
    }

    /**
     * {@return whether the entry allows stores, now (present) or as a right it keeps (device-private, migration)}
     *
     * @param entry an entry
     */
    public static boolean writable(long entry) {
        return (entry & WRITE) != 0;
    }

    /**
     * {@return whether the CPU may load through the entry}
     *
     * @param entry an entry
     */
    public static boolean readable(long entry) {
        return (entry & (KIND_MASK | READ)) == (PRESENT | READ);
    }

    /**
     * {@return whether the CPU may access through the entry as it is}
     *
     * @param entry an entry
     * @param write for a store
     */
    public static boolean allows(long entry, boolean write) {
        long need = PRESENT | READ | (write ? WRITE : 0);
        return (entry & (KIND_MASK | READ | (write ? WRITE : 0))) == need;
    }

    /**
     * {@return whether no fault can make a page of the entry: a guard, or a lost page}
     *
     * @param entry an entry
     */
    static boolean barred(long entry) {
        return kind(entry) == GUARD || kind(entry) == LOST;
    }

    /**
     * {@return whether the entry was used since last cleared}
     *
     * @param entry an entry
     */
    public static boolean young(long entry) {
        return (entry & YOUNG) != 0;
    }

    /**
     * {@return whether the entry was written through}
     *
     * @param entry an entry
     */
    public static boolean dirty(long entry) {
        return (entry & DIRTY) != 0;
    }

    /**
     * {@return whether a migration entry is exclusive (a writable one always is)}
     *
     * @param entry an entry
     */
    static boolean exclusive(long entry) {
        return (entry & (EXCLUSIVE | WRITE)) != 0;
    }

    static long make(int kind, long frame, long bits) {
        return kind | bits | frame << FRAME_SHIFT;
    }

    static String describe(long entry) {
        String[] names = {"none", "present", "device-private", "device-exclusive", "migration", "guard", "lost"};
        return names[kind(entry)] + " frame 0x" + Long.toHexString(frame(entry)) + (writable(entry) ? " w" : " r");
    }
}
