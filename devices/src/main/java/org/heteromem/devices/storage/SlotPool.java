package org.heteromem.devices.storage;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which slots of a device are free; a slot is a frame counted from the device's first. What is asked for at once comes from
 * one stretch of 512 where one has room, lowest first: neighbours in memory become neighbours on the device, so that they
 * are written and read in one go, and a large device that is used little costs little. One bit a slot. Thread-safe; the lock
 * is innermost.
 */
final class SlotPool {
    /** The most slots that can be asked for at once, and the slots of a stretch. */
    static final int STRETCH = 512;

    private static final int STRETCH_SHIFT = 9;
    private static final int WORDS = STRETCH / Long.SIZE;

    private final ReentrantLock lock = new ReentrantLock();
    private final int slots;
    /** A set bit is a free slot. */
    private final long[] free;

    private final short[] freeIn;
    /** No stretch before this has a free slot. */
    private int lowest;

    private int freeCount;

    SlotPool(int slots) {
        this.slots = slots;
        this.freeCount = slots;
        this.free = new long[(slots + Long.SIZE - 1) / Long.SIZE];
        Arrays.fill(free, -1L);
        if (slots % Long.SIZE != 0) {
            free[free.length - 1] = (1L << slots) - 1;
        }
        this.freeIn = new short[(slots + STRETCH - 1) >>> STRETCH_SHIFT];
        Arrays.fill(freeIn, (short) STRETCH);
        if (slots % STRETCH != 0) {
            freeIn[freeIn.length - 1] = (short) (slots % STRETCH);
        }
    }

    int slots() {
        return slots;
    }

    int freeCount() {
        lock.lock();
        try {
            return freeCount;
        } finally {
            lock.unlock();
        }
    }

    /** {@return how many were taken, in ascending order; fewer than wanted if there are no more} */
    int take(int wanted, int[] into) {
        lock.lock();
        try {
            while (lowest < freeIn.length && freeIn[lowest] == 0) {
                lowest++;
            }
            for (int s = lowest; s < freeIn.length; s++) {
                if (freeIn[s] >= wanted) {
                    return takeFrom(s, wanted, into, 0);
                }
            }
            int taken = 0;
            for (int s = lowest; s < freeIn.length && taken < wanted; s++) {
                taken = takeFrom(s, wanted, into, taken);
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private int takeFrom(int stretch, int wanted, int[] into, int have) {
        int taken = have;
        int end = Math.min(free.length, (stretch + 1) * WORDS);
        for (int w = stretch * WORDS; w < end && taken < wanted; w++) {
            long word = free[w];
            while (word != 0 && taken < wanted) {
                into[taken++] = w * Long.SIZE + Long.numberOfTrailingZeros(word);
                word &= word - 1;
            }
            free[w] = word;
        }
        freeIn[stretch] -= (short) (taken - have);
        freeCount -= taken - have;
        return taken;
    }

    /** {@return whether a certain slot was free; it is taken now} */
    boolean claim(int slot) {
        lock.lock();
        try {
            long bit = 1L << slot;
            if ((free[slot >>> 6] & bit) == 0) {
                return false;
            }
            free[slot >>> 6] &= ~bit;
            freeIn[slot >>> STRETCH_SHIFT]--;
            freeCount--;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether a slot is taken} */
    boolean taken(int slot) {
        lock.lock();
        try {
            return (free[slot >>> 6] & 1L << slot) == 0;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a slot back. */
    void give(int slot) {
        give(slot, 1);
    }

    /** Takes neighbouring slots back. */
    void give(int first, int count) {
        lock.lock();
        try {
            lowest = Math.min(lowest, first >>> STRETCH_SHIFT);
            for (int slot = first; slot < first + count; slot++) {
                long bit = 1L << slot;
                if ((free[slot >>> 6] & bit) != 0) {
                    throw new IllegalStateException("slot " + slot + " is given back twice");
                }
                free[slot >>> 6] |= bit;
                freeIn[slot >>> STRETCH_SHIFT]++;
                freeCount++;
            }
        } finally {
            lock.unlock();
        }
    }
}
