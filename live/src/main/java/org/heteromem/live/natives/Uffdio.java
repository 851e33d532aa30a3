package org.heteromem.live.natives;

/**
 * Numbers, bits and structures of the userfaultfd ioctls ({@code include/uapi/linux/userfaultfd.h}).
 *
 * <pre>
 *   all fields 64 bits
 *   offset      0        8          16         24        32
 *   api         api      features   ioctls
 *   register    start    length     mode       ioctls
 *   range       start    length                               (unregister, wake)
 *   copy        dst      src        length     mode      copied
 *   place       start    length     mode       placed         (zeropage, continue, poison)
 *   protect     start    length     mode
 * </pre>
 *
 * <p>An ioctl number is {@code direction << 30 | bytes of the structure << 16 | 0xAA << 8 | number}.
 */
public final class Uffdio {
    /** Register for pages that neither the page table nor the file has. */
    public static final int REGISTER_MISSING = 1;
    /** Register for writes to write-protected pages. */
    public static final int REGISTER_WP = 2;
    /** Register for pages that the file has and the page table has not. */
    public static final int REGISTER_MINOR = 4;

    /** COPY, ZEROPAGE, CONTINUE, POISON: do not wake who waits for the range. */
    public static final int MODE_DONTWAKE = 1;
    /** COPY, CONTINUE: map the page write-protected. */
    public static final int MODE_WP = 2;

    /** WRITEPROTECT: protect (without it: lift the protection). */
    public static final int PROTECT_WP = 1;
    /** WRITEPROTECT: do not wake who waits for the range. */
    public static final int PROTECT_DONTWAKE = 2;

    /** Write-protect faults of anonymous memory. */
    public static final long FEATURE_PAGEFAULT_FLAG_WP = 1;
    /** Missing faults of shared memory. */
    public static final long FEATURE_MISSING_SHMEM = 1 << 5;
    /** A signal instead of an event. */
    public static final long FEATURE_SIGBUS = 1 << 7;
    /** Events carry the id of the faulting thread. */
    public static final long FEATURE_THREAD_ID = 1 << 8;
    /** Minor faults of shared memory. Linux 5.14. */
    public static final long FEATURE_MINOR_SHMEM = 1 << 10;
    /** Events carry the exact address. Linux 5.18. */
    public static final long FEATURE_EXACT_ADDRESS = 1 << 11;
    /** Write protection of shared memory. Linux 5.19. */
    public static final long FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12;
    /** Write protection of pages that are not there yet. Linux 6.4. */
    public static final long FEATURE_WP_UNPOPULATED = 1 << 13;
    /** POISON. Linux 6.6. */
    public static final long FEATURE_POISON = 1 << 14;
    /** Write protection that the kernel lifts and records by itself. Linux 6.7. */
    public static final long FEATURE_WP_ASYNC = 1 << 15;
    /** MOVE, of anonymous memory. Linux 6.8. */
    public static final long FEATURE_MOVE = 1 << 16;

    /** What live mode cannot do without; all of it is there from Linux 5.19 on. */
    public static final long REQUIRED_FEATURES =
            FEATURE_PAGEFAULT_FLAG_WP | FEATURE_MISSING_SHMEM | FEATURE_MINOR_SHMEM | FEATURE_WP_HUGETLBFS_SHMEM;

    /** Version of the API, in the request for it. */
    static final long API_VERSION = 0xAA;

    static final long API = 0xC018_AA3FL;
    static final long REGISTER = 0xC020_AA00L;
    static final long UNREGISTER = 0x8010_AA01L;
    static final long WAKE = 0x8010_AA02L;
    static final long COPY = 0xC028_AA03L;
    static final long ZEROPAGE = 0xC020_AA04L;
    static final long WRITEPROTECT = 0xC018_AA06L;
    static final long CONTINUE = 0xC020_AA07L;
    static final long POISON = 0xC020_AA08L;

    /** Of {@code /dev/userfaultfd}: a new userfaultfd. */
    static final long DEVICE_NEW = 0xAA00L;

    static final int FIRST = 0;
    static final int SECOND = 8;
    static final int THIRD = 16;
    static final int FOURTH = 24;
    static final int FIFTH = 32;

    private static final String[] FEATURE_NAMES = {
        "PAGEFAULT_FLAG_WP",
        "EVENT_FORK",
        "EVENT_REMAP",
        "EVENT_REMOVE",
        "MISSING_HUGETLBFS",
        "MISSING_SHMEM",
        "EVENT_UNMAP",
        "SIGBUS",
        "THREAD_ID",
        "MINOR_HUGETLBFS",
        "MINOR_SHMEM",
        "EXACT_ADDRESS",
        "WP_HUGETLBFS_SHMEM",
        "WP_UNPOPULATED",
        "POISON",
        "WP_ASYNC",
        "MOVE"
    };

    private Uffdio() {}

    /** Names of features, separated by spaces; {@code none} for 0. Bits without a name appear as a number. */
    public static String featureNames(long features) {
        StringBuilder names = new StringBuilder();
        for (int bit = 0; bit < FEATURE_NAMES.length; bit++) {
            if ((features >>> bit & 1) != 0) {
                names.append(names.isEmpty() ? "" : " ").append(FEATURE_NAMES[bit]);
            }
        }
        long rest = features >>> FEATURE_NAMES.length << FEATURE_NAMES.length;
        if (rest != 0) {
            names.append(names.isEmpty() ? "0x" : " 0x").append(Long.toHexString(rest));
        }
        return names.isEmpty() ? "none" : names.toString();
    }
}
