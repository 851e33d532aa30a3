package org.heteromem.live.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Room for a batch of events, filled by {@link Userfault#read} again and again without allocating. For one thread.
 *
 * <pre>
 *    0                   16
 *   +-------------------+------------+------------+----
 *   | struct iovec      | uffd_msg 0 | uffd_msg 1 | ...
 *   +-------------------+------------+------------+----
 * </pre>
 */
public final class UserfaultEvents {
    private static final int VECTOR_BYTES = 16;

    private final int capacity;
    private final MemorySegment vector;
    private final MemorySegment messages;
    private int count;

    /**
     * @param capacity events in one batch, from 1 to 4096
     */
    public UserfaultEvents(int capacity) {
        if (capacity < 1 || capacity > 4096) {
            throw new IllegalArgumentException("capacity " + capacity + " of an event batch is not in 1..4096");
        }
        this.capacity = capacity;
        MemorySegment all = Arena.ofAuto().allocate(VECTOR_BYTES + (long) capacity * UffdMessage.BYTES, 64);
        vector = all.asSlice(0, VECTOR_BYTES);
        messages = all.asSlice(VECTOR_BYTES);
        vector.set(ValueLayout.JAVA_LONG, 0, messages.address());
        vector.set(ValueLayout.JAVA_LONG, 8, messages.byteSize());
    }

    long vectorAddress() {
        return vector.address();
    }

    long messagesAddress() {
        return messages.address();
    }

    long messagesBytes() {
        return messages.byteSize();
    }

    void filled(int newCount) {
        count = newCount;
    }

    /** Events in one batch at most. */
    public int capacity() {
        return capacity;
    }

    /** Events that the last read brought. */
    public int count() {
        return count;
    }

    /** Whether it is a page fault; live mode asks for no other event, so any other is a violation by the client. */
    public boolean isPageFault(int index) {
        return UffdMessage.event(messages, check(index)) == UffdMessage.EVENT_PAGEFAULT;
    }

    /**
     * The descriptor that came with a fork: the kernel gives the child's userfaultfd to whoever reads the event.
     *
     * @return empty for any other event; else owned by the caller
     */
    public Optional<Fd> takeDescriptor(int index) {
        return event(index) == UffdMessage.EVENT_FORK
                ? Optional.of(Fd.own(UffdMessage.descriptor(messages, index), "userfaultfd of a forked child"))
                : Optional.empty();
    }

    /** The event, one of {@link UffdMessage}'s. */
    public int event(int index) {
        return UffdMessage.event(messages, check(index));
    }

    /** The address that was touched. */
    public long address(int index) {
        return UffdMessage.address(messages, check(index));
    }

    /** Whether a write was tried; a read otherwise. */
    public boolean isWrite(int index) {
        return (UffdMessage.flags(messages, check(index)) & UffdMessage.FLAG_WRITE) != 0;
    }

    /** Whether the page is there and write-protected. */
    public boolean isWriteProtect(int index) {
        return (UffdMessage.flags(messages, check(index)) & UffdMessage.FLAG_WP) != 0;
    }

    /** Whether the file has the page and the page table has not. */
    public boolean isMinor(int index) {
        return (UffdMessage.flags(messages, check(index)) & UffdMessage.FLAG_MINOR) != 0;
    }

    /** Kernel id of the faulting thread, 0 unless {@link Uffdio#FEATURE_THREAD_ID} was asked for. */
    public int threadId(int index) {
        return UffdMessage.threadId(messages, check(index));
    }

    private int check(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("event " + index + " of a batch of " + count);
        }
        return index;
    }
}
