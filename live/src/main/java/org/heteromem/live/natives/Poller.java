package org.heteromem.live.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Waits for one of a few descriptors ({@code poll}). For one thread; allocates nothing after construction.
 *
 * <pre>
 *   struct pollfd, 8 bytes each
 *    0               4       6       8
 *   +---------------+-------+-------+
 *   | fd            |events |revents|
 *   +---------------+-------+-------+
 * </pre>
 */
public final class Poller {
    /** Something to read; a pidfd: the process has ended. */
    public static final int IN = 1;
    /** Room to write. */
    public static final int OUT = 4;
    /** An error; a userfaultfd that blocks, or is not set up yet, always shows it. Reported unasked. */
    public static final int ERROR = 8;
    /** The other end is closed. Reported unasked. */
    public static final int HANG_UP = 16;
    /** The descriptor is closed. Reported unasked. */
    public static final int INVALID = 32;

    private static final int ENTRY_BYTES = 8;
    private static final int EVENTS = 4;
    private static final int REVENTS = 6;

    private final Fd[] watched;
    private final MemorySegment entries;
    private int count;

    /**
     * @param capacity most descriptors watched at a time, from 1 to 4096
     */
    public Poller(int capacity) {
        Platform.require();
        if (capacity < 1 || capacity > 4096) {
            throw new IllegalArgumentException("capacity " + capacity + " of a poller is not in 1..4096");
        }
        watched = new Fd[capacity];
        entries = Arena.ofAuto().allocate((long) capacity * ENTRY_BYTES, 8);
    }

    /**
     * Watches one more.
     *
     * @param events bits of {@link #IN} and {@link #OUT}
     * @return its index for {@link #ready(int)}
     * @throws IllegalStateException if there is no room
     */
    public int add(Fd fd, int events) {
        if (count == watched.length) {
            throw new IllegalStateException("a poller for " + count + " descriptors is full");
        }
        watched[count] = fd;
        entries.set(ValueLayout.JAVA_SHORT, (long) count * ENTRY_BYTES + EVENTS, (short) events);
        return count++;
    }

    /** Forgets all. */
    public void clear() {
        for (int i = 0; i < count; i++) {
            entries.set(ValueLayout.JAVA_SHORT, (long) i * ENTRY_BYTES + REVENTS, (short) 0);
        }
        count = 0;
    }

    /**
     * Waits until one is ready.
     *
     * @param timeoutMillis how long at most; 0 does not wait, -1 waits for ever
     * @return how many are ready; 0 after the time, and after an interruption by a signal
     */
    public int poll(int timeoutMillis) {
        int borrowed = 0;
        try {
            for (; borrowed < count; borrowed++) {
                int number = watched[borrowed].tryBorrow();
                if (number < 0) {
                    break;
                }
                entries.set(ValueLayout.JAVA_INT, (long) borrowed * ENTRY_BYTES, number);
            }
            if (borrowed < count) {
                // One was closed: report it as the kernel reports a number that is not open, and wait for nothing.
                for (int i = 0; i < count; i++) {
                    entries.set(ValueLayout.JAVA_SHORT, (long) i * ENTRY_BYTES + REVENTS, (short)
                            (i == borrowed ? INVALID : 0));
                }
                return 1;
            }
            int r = Calls.poll(entries, count, timeoutMillis);
            if (r == -Errno.EINTR) {
                for (int i = 0; i < count; i++) {
                    entries.set(ValueLayout.JAVA_SHORT, (long) i * ENTRY_BYTES + REVENTS, (short) 0);
                }
                return 0;
            }
            if (r < 0) {
                throw new NativeException("poll", "descriptors=" + count + " timeout=" + timeoutMillis, -r);
            }
            return r;
        } finally {
            for (int i = 0; i < borrowed; i++) {
                watched[i].giveBack();
            }
        }
    }

    /**
     * What the last {@link #poll} found for one.
     *
     * @param index as {@link #add} returned it
     * @return bits of the constants of this class, 0 when not ready
     */
    public int ready(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("index " + index + " of " + count + " watched descriptors");
        }
        return entries.get(ValueLayout.JAVA_SHORT, (long) index * ENTRY_BYTES + REVENTS);
    }
}
