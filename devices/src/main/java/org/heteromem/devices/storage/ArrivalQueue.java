package org.heteromem.devices.storage;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;

/**
 * The order in which pages came to a device: coldest first. A run of neighbours that came together is one entry; a page
 * that leaves is not looked for, its place in the entry is found stale later. There are never more entries than a quarter and
 * 1024 more than there were pages when they were last looked through. Thread-safe.
 *
 * <pre>
 *   63           36 35         27 26            0
 *  +---------------+-------------+---------------+
 *  | first slot    | length - 1  | arrival       |     arrival: low bits of the first page's number
 *  +---------------+-------------+---------------+
 * </pre>
 */
final class ArrivalQueue {
    /** Bits of an arrival number that entries and frames keep: an old entry is told from a new page in the same slot. */
    static final int ARRIVAL_BITS = 27;

    static final int ARRIVAL_MASK = (1 << ARRIVAL_BITS) - 1;
    /** The most slots of a device. */
    static final int MAX_SLOTS = 1 << 28;

    private static final int LENGTH_BITS = 9;
    private static final int SLOT_SHIFT = ARRIVAL_BITS + LENGTH_BITS;
    private static final int MAX_LENGTH = 1 << LENGTH_BITS;
    /** Entries that are kept together. One array for all would be copied whenever it grows, and left to the collector. */
    private static final int CHUNK = 1024;
    /** What part of the entries may be stale before they are looked for. */
    private static final int STALE_PART = 4;

    /** Knows whether a page is still there. */
    @FunctionalInterface
    interface Residency {
        /** {@return whether the page that came as number {@code arrival} still lives in a slot} */
        boolean holds(int slot, int arrival);
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Residency residency;
    private final ArrayDeque<long[]> chunks = new ArrayDeque<>();
    /**
     * Those that have become empty, all of them: they grow old before they do, and left to the collector they would fill the old
     * generation of a JVM that fills its device again and again.
     */
    private final ArrayDeque<long[]> spares = new ArrayDeque<>();
    /** Where the first entry is in the first chunk. */
    private int head;

    private int size;
    private int compactAt = CHUNK;
    private int next;

    ArrivalQueue(Residency residency) {
        this.residency = residency;
    }

    /** {@return the first of some consecutive arrival numbers} */
    int number(int pages) {
        lock.lock();
        try {
            int first = next;
            next = (next + pages) & ARRIVAL_MASK;
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** Notes that neighbouring slots hold pages with consecutive arrival numbers. */
    void add(int slot, int pages, int arrival) {
        lock.lock();
        try {
            for (int done = 0; done < pages; done += MAX_LENGTH) {
                if (size >= compactAt) {
                    compact();
                }
                append(entry(slot + done, Math.min(MAX_LENGTH, pages - done), (arrival + done) & ARRIVAL_MASK));
            }
        } finally {
            lock.unlock();
        }
    }

    private static long entry(int slot, int length, int arrival) {
        return (long) slot << SLOT_SHIFT | (long) (length - 1) << ARRIVAL_BITS | arrival;
    }

    private void append(long entry) {
        int at = head + size;
        if (at == chunks.size() * CHUNK) {
            long[] spare = spares.pollLast();
            chunks.addLast(spare != null ? spare : new long[CHUNK]);
        }
        chunks.getLast()[at % CHUNK] = entry;
        size++;
    }

    /** {@return the oldest entry; taken off} */
    private long take() {
        long entry = chunks.getFirst()[head++];
        size--;
        if (head == CHUNK) {
            spares.addLast(chunks.removeFirst());
            head = 0;
        }
        return entry;
    }

    /** {@return the slot of an entry's first page} */
    static int slot(long entry) {
        return (int) (entry >>> SLOT_SHIFT);
    }

    /** {@return the arrival number of an entry's first page} */
    static int arrival(long entry) {
        return (int) entry & ARRIVAL_MASK;
    }

    private static int length(long entry) {
        return (int) (entry >>> ARRIVAL_BITS & (MAX_LENGTH - 1)) + 1;
    }

    private boolean there(long entry, int i) {
        return residency.holds(slot(entry) + i, (int) (entry + i) & ARRIVAL_MASK);
    }

    /**
     * {@return the pages that have been there longest, an entry for each; taken off the queue} They are known by slot and arrival
     * number: another page may have come to a slot before anybody looks there.
     */
    long[] poll(int most) {
        long[] found = new long[most];
        int n = 0;
        lock.lock();
        try {
            while (n < most && size > 0) {
                long entry = chunks.getFirst()[head];
                int length = length(entry);
                int i = 0;
                for (; i < length && n < most; i++) {
                    if (there(entry, i)) {
                        found[n++] = entry(slot(entry) + i, 1, (int) (entry + i) & ARRIVAL_MASK);
                    }
                }
                if (i < length) {
                    chunks.getFirst()[head] = entry(slot(entry) + i, length - i, (int) (entry + i) & ARRIVAL_MASK);
                } else {
                    take();
                }
            }
        } finally {
            lock.unlock();
        }
        return Arrays.copyOf(found, n);
    }

    /** Drops what has left: each entry is taken off, and what is there of it added again. One for each page is left at most. */
    private void compact() {
        for (int before = size; before > 0; before--) {
            long entry = take();
            int length = length(entry);
            for (int i = 0; i < length; ) {
                int from = i;
                while (i < length && there(entry, i)) {
                    i++;
                }
                if (i > from) {
                    append(entry(slot(entry) + from, i - from, (int) (entry + from) & ARRIVAL_MASK));
                } else {
                    i++;
                }
            }
        }
        compactAt = size + size / STALE_PART + CHUNK;
    }

    /** Names the slot of each page that is still there, once for each time that it is in the queue. */
    void forEachThere(IntConsumer action) {
        lock.lock();
        try {
            int at = head;
            int end = head + size;
            for (long[] chunk : chunks) {
                for (; at < Math.min(end, CHUNK); at++) {
                    long entry = chunk[at];
                    for (int i = 0; i < length(entry); i++) {
                        if (there(entry, i)) {
                            action.accept(slot(entry) + i);
                        }
                    }
                }
                at = 0;
                end -= CHUNK;
            }
        } finally {
            lock.unlock();
        }
    }

    /** {@return how many entries there are; for tests} */
    int entries() {
        lock.lock();
        try {
            return size;
        } finally {
            lock.unlock();
        }
    }

    /** {@return how many pieces entries are kept in, or were; for tests} */
    int pieces() {
        lock.lock();
        try {
            return chunks.size() + spares.size();
        } finally {
            lock.unlock();
        }
    }
}
