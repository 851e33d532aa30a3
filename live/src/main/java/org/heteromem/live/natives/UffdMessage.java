package org.heteromem.live.natives;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Layout of {@code struct uffd_msg}, one event read from a userfaultfd (packed, 32 bytes, little-endian here).
 *
 * <pre>
 *    0       1               2               4                               8
 *   +-------+---------------+---------------+-------------------------------+
 *   | event | reserved                                                      |
 *   +-------+---------------------------------------------------------------+ 8
 *   | flags: bit 0 write, bit 1 write-protected, bit 2 minor                |
 *   +-----------------------------------------------------------------------+ 16
 *   | address (of the page, or exact with FEATURE_EXACT_ADDRESS)            |
 *   +-------------------------------+---------------------------------------+ 24
 *   | thread id, if asked for       | unused                                |
 *   +-------------------------------+---------------------------------------+ 32
 *
 *   of a fork: the child's userfaultfd, 4 bytes at 8
 * </pre>
 */
public final class UffdMessage {
    /** Bytes of one message. */
    public static final int BYTES = 32;

    /** A page fault. */
    public static final int EVENT_PAGEFAULT = 0x12;
    /** The process forked. */
    public static final int EVENT_FORK = 0x13;
    /** A range was moved by {@code mremap}. */
    public static final int EVENT_REMAP = 0x14;
    /** A range was dropped by {@code madvise}. */
    public static final int EVENT_REMOVE = 0x15;
    /** A range was unmapped. */
    public static final int EVENT_UNMAP = 0x16;

    /** Fault flag: it was a write. */
    public static final long FLAG_WRITE = 1;
    /** Fault flag: the page is there but write-protected. */
    public static final long FLAG_WP = 2;
    /** Fault flag: the file has the page, the page table has not. */
    public static final long FLAG_MINOR = 4;

    private static final int EVENT_OFFSET = 0;
    private static final int FLAGS_OFFSET = 8;
    private static final int ADDRESS_OFFSET = 16;
    private static final int THREAD_OFFSET = 24;

    private UffdMessage() {}

    /** The event, one of the {@code EVENT_} constants. */
    public static int event(MemorySegment messages, int index) {
        return messages.get(ValueLayout.JAVA_BYTE, (long) index * BYTES + EVENT_OFFSET) & 0xff;
    }

    /** Bits of the {@code FLAG_} constants; of a page fault only. */
    public static long flags(MemorySegment messages, int index) {
        return messages.get(ValueLayout.JAVA_LONG, (long) index * BYTES + FLAGS_OFFSET);
    }

    /** The address that was touched; of a page fault only. */
    public static long address(MemorySegment messages, int index) {
        return messages.get(ValueLayout.JAVA_LONG, (long) index * BYTES + ADDRESS_OFFSET);
    }

    /** The child's userfaultfd, a descriptor of whoever has read this; of a fork only. */
    public static int descriptor(MemorySegment messages, int index) {
        return messages.get(ValueLayout.JAVA_INT, (long) index * BYTES + FLAGS_OFFSET);
    }

    /** Kernel thread id of who touched it, 0 without {@link Uffdio#FEATURE_THREAD_ID}; of a page fault only. */
    public static int threadId(MemorySegment messages, int index) {
        return messages.get(ValueLayout.JAVA_INT, (long) index * BYTES + THREAD_OFFSET);
    }
}
