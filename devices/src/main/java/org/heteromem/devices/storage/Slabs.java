package org.heteromem.devices.storage;

import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which slots of which slabs are free. A slab of 256 KiB holds slots of one class; empty ones go back to where all classes
 * find them, and if they are not needed between one {@link #trim} and the next, their memory back to the system. A class has
 * its own lock, under which nothing but bits is touched. Nothing here survives a sudden end: {@link #adopt} builds it again
 * from the index. Thread-safe.
 */
final class Slabs {
    static final long NONE = -1;

    private static final int SHIFT = 18;

    /** Gives a slab's memory back. */
    @FunctionalInterface
    interface Release {
        /** Nobody needs these bytes. */
        void release(long offset, long bytes);
    }

    private static final class Slab {
        final int index;
        final int slotClass;
        final int slots;
        final long[] taken;
        int used;
        int hint;
        /** Where it stands among the slabs of its class that have room; -1 if it has none. */
        int position = -1;

        Slab(int index, int slotClass) {
            this.index = index;
            this.slotClass = slotClass;
            this.slots = SlotLayout.SLAB_BYTES / SlotLayout.slotBytes(slotClass);
            this.taken = new long[(slots + Long.SIZE - 1) / Long.SIZE];
            if (slots % Long.SIZE != 0) {
                taken[taken.length - 1] = -1L << slots;
            }
        }

        int take() {
            int w = hint;
            while (taken[w] == -1L) {
                w++;
            }
            hint = w;
            int bit = Long.numberOfTrailingZeros(~taken[w]);
            taken[w] |= 1L << bit;
            used++;
            return w * Long.SIZE + bit;
        }

        boolean claim(int slot) {
            if ((taken[slot >>> 6] & 1L << slot) != 0) {
                return false;
            }
            taken[slot >>> 6] |= 1L << slot;
            used++;
            return true;
        }

        boolean give(int slot) {
            if ((taken[slot >>> 6] & 1L << slot) == 0) {
                return false;
            }
            taken[slot >>> 6] &= ~(1L << slot);
            hint = Math.min(hint, slot >>> 6);
            used--;
            return true;
        }
    }

    /** The slabs of a class that have room; guarded by its lock. */
    private static final class Room {
        final ReentrantLock lock = new ReentrantLock();

        @Nullable
        Slab[] slabs = new Slab[4];

        int count;

        void add(Slab slab) {
            if (count == slabs.length) {
                slabs = Arrays.copyOf(slabs, count * 2);
            }
            slab.position = count;
            slabs[count++] = slab;
        }

        void remove(Slab slab) {
            Slab last = slabs[--count];
            slabs[count] = null;
            if (last != null && last != slab) {
                slabs[slab.position] = last;
                last.position = slab.position;
            }
            slab.position = -1;
        }
    }

    private final Room[] rooms = new Room[SlotLayout.CLASSES];
    private final @Nullable Slab[] slabs;
    private final Release release;
    private final LongAdder bytesUsed = new LongAdder();

    /** Innermost; guards what follows. */
    private final ReentrantLock lock = new ReentrantLock();

    /** Empty slabs that have their memory still, the last to become so on top. */
    private final int[] warm;

    private int warmCount;
    /** The fewest that there were since the last trim. */
    private int warmLeast;
    /** Empty slabs without memory. */
    private final int[] cold;

    private int coldCount;
    private int fresh;

    Slabs(long bytes, Release release) {
        int count = (int) (bytes >>> SHIFT);
        this.slabs = new Slab[count];
        this.warm = new int[count];
        this.cold = new int[count];
        this.release = release;
        Arrays.setAll(rooms, _ -> new Room());
    }

    /** {@return bytes of slots in use} */
    long bytesUsed() {
        return bytesUsed.sum();
    }

    /** {@return bytes of slabs in use} */
    long bytesHeld() {
        lock.lock();
        try {
            return (long) (fresh - warmCount - coldCount) << SHIFT;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the offset of a free slot of the class, or of a larger one if there is none; NONE if there is none at all} */
    long allocate(int slotClass) {
        long offset = allocateHereOrAbove(slotClass);
        return offset == NONE && dropUnused() ? allocateHereOrAbove(slotClass) : offset;
    }

    private long allocateHereOrAbove(int slotClass) {
        long offset = allocate(slotClass, true);
        for (int c = slotClass + 1; offset == NONE && c < SlotLayout.CLASSES; c++) {
            offset = allocate(c, false);
        }
        return offset;
    }

    /** Takes from each class the slab that it keeps although nothing is in it; false if there was none. */
    private boolean dropUnused() {
        boolean dropped = false;
        for (Room room : rooms) {
            Slab unused = null;
            room.lock.lock();
            try {
                for (int i = 0; i < room.count && unused == null; i++) {
                    Slab slab = room.slabs[i];
                    unused = slab != null && slab.used == 0 ? slab : null;
                }
                if (unused != null) {
                    room.remove(unused);
                    slabs[unused.index] = null;
                }
            } finally {
                room.lock.unlock();
            }
            if (unused != null) {
                giveBack(unused.index);
                dropped = true;
            }
        }
        return dropped;
    }

    private long allocate(int slotClass, boolean grow) {
        Room room = rooms[slotClass];
        room.lock.lock();
        try {
            Slab slab = room.count == 0 ? null : room.slabs[room.count - 1];
            if (slab == null) {
                slab = grow ? newSlab(slotClass) : null;
                if (slab == null) {
                    return NONE;
                }
                room.add(slab);
            }
            int slot = slab.take();
            if (slab.used == slab.slots) {
                room.remove(slab);
            }
            int bytes = SlotLayout.slotBytes(slotClass);
            bytesUsed.add(bytes);
            return ((long) slab.index << SHIFT) + (long) slot * bytes;
        } finally {
            room.lock.unlock();
        }
    }

    private @Nullable Slab newSlab(int slotClass) {
        lock.lock();
        try {
            int index;
            if (warmCount > 0) {
                index = warm[--warmCount];
                warmLeast = Math.min(warmLeast, warmCount);
            } else if (coldCount > 0) {
                index = cold[--coldCount];
            } else if (fresh < slabs.length) {
                index = fresh++;
            } else {
                return null;
            }
            Slab slab = new Slab(index, slotClass);
            slabs[index] = slab;
            return slab;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the class of the slot at an offset that {@link #allocate} gave} */
    int classAt(long offset) {
        Slab slab = slabs[(int) (offset >>> SHIFT)];
        if (slab == null) {
            throw new IllegalStateException("no slab at 0x" + Long.toHexString(offset));
        }
        return slab.slotClass;
    }

    /** Takes a slot back; one that is not in use, as a damaged index may name, is passed over. */
    void free(long offset, int slotClass) {
        Room room = rooms[slotClass];
        Slab gone = null;
        room.lock.lock();
        try {
            Slab slab = slabs[(int) (offset >>> SHIFT)];
            if (slab == null || slab.slotClass != slotClass) {
                return;
            }
            int bytes = SlotLayout.slotBytes(slotClass);
            if (!slab.give((int) (offset & (SlotLayout.SLAB_BYTES - 1)) / bytes)) {
                return;
            }
            bytesUsed.add(-bytes);
            if (slab.position < 0) {
                room.add(slab);
            }
            // The last slab with room stays, or a page that comes and goes would make and drop it each time.
            if (slab.used == 0 && room.count > 1) {
                room.remove(slab);
                slabs[slab.index] = null;
                gone = slab;
            }
        } finally {
            room.lock.unlock();
        }
        if (gone != null) {
            giveBack(gone.index);
        }
    }

    private void giveBack(int index) {
        lock.lock();
        try {
            warm[warmCount++] = index;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives back to the system the memory of as many empty slabs as nobody has needed since the last time.
     *
     * @return whether empty slabs still have theirs
     */
    boolean trim() {
        for (boolean more = true; more; ) {
            // One at a time: who needs a slab does not wait for all of them.
            lock.lock();
            try {
                more = warmLeast > 0;
                if (more) {
                    int index = warm[warmCount - 1];
                    release.release((long) index << SHIFT, SlotLayout.SLAB_BYTES);
                    warmCount--;
                    warmLeast--;
                    cold[coldCount++] = index;
                }
            } finally {
                lock.unlock();
            }
        }
        lock.lock();
        try {
            warmLeast = warmCount;
            return warmCount > 0;
        } finally {
            lock.unlock();
        }
    }

    // ---- books -------------------------------------------------------------------------------------------------

    /** {@return whether a slot is taken, in a slab of this class} */
    boolean taken(long offset, int slotClass) {
        Slab slab = slabs[(int) (offset >>> SHIFT)];
        int slot = (int) (offset & (SlotLayout.SLAB_BYTES - 1)) / SlotLayout.slotBytes(slotClass);
        return slab != null && slab.slotClass == slotClass && (slab.taken[slot >>> 6] & 1L << slot) != 0;
    }

    /** {@return the slots taken, by the bits; or -1 if a slab's count, place or class list does not agree with them} */
    long takenSlots() {
        long sum = 0;
        int held = 0;
        for (Slab slab : slabs) {
            if (slab == null) {
                continue;
            }
            held++;
            long bits = Arrays.stream(slab.taken).map(Long::bitCount).sum();
            bits -= slab.slots % Long.SIZE == 0 ? 0 : Long.SIZE - slab.slots % Long.SIZE;
            Room room = rooms[slab.slotClass];
            boolean listed = slab.position >= 0 && slab.position < room.count && room.slabs[slab.position] == slab;
            if (bits != slab.used || listed != slab.used < slab.slots) {
                return -1;
            }
            sum += bits;
        }
        return (long) held << SHIFT == bytesHeld() ? sum : -1;
    }

    /** {@return whether a slot that the index names can be what it says; it is in use now} */
    boolean adopt(long offset, int slotClass) {
        int index = (int) (offset >>> SHIFT);
        Slab slab = slabs[index];
        if (slab == null) {
            slab = new Slab(index, slotClass);
            slabs[index] = slab;
        }
        int bytes = SlotLayout.slotBytes(slotClass);
        if (slab.slotClass != slotClass || !slab.claim((int) (offset & (SlotLayout.SLAB_BYTES - 1)) / bytes)) {
            return false;
        }
        bytesUsed.add(bytes);
        return true;
    }

    /** After the last {@link #adopt}: everything else is free. */
    void adopted() {
        lock.lock();
        try {
            for (int i = slabs.length - 1; i >= 0 && fresh == 0; i--) {
                fresh = slabs[i] == null ? 0 : i + 1;
            }
            for (int i = 0; i < fresh; i++) {
                Slab slab = slabs[i];
                if (slab == null) {
                    // Whether it has memory is not known; a trim makes sure.
                    warm[warmCount++] = i;
                } else if (slab.used < slab.slots) {
                    rooms[slab.slotClass].add(slab);
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
