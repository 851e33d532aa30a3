package org.heteromem.core.memory;

import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.frame.WorkingSet;
import org.heteromem.core.policy.VictimPolicy;

/**
 * How many frames of homed memory may be in use at once (Linux: the page counter of a memory cgroup). Where the frame of
 * an address is given by the address, "free" is a charge against this and not a list. Several {@link HomedMemory}s may
 * share one. Thread-safe.
 */
public final class FrameBudget {
    private final AtomicLong used = new AtomicLong();
    private final WorkingSet lists;
    private volatile long limit;
    private volatile long reserve;

    /**
     * Makes a budget of which nothing is used, and whose pages leave in the order in which they came.
     *
     * @param limit frames that may be in use at once, positive
     * @param reserve how many of the last ones only pages that come home from a device may take, less than the limit
     * @throws MemoryException EINVAL for other figures
     */
    public FrameBudget(long limit, long reserve) {
        this(limit, reserve, VictimPolicy.byAge());
    }

    /**
     * Makes a budget of which nothing is used.
     *
     * @param limit frames that may be in use at once, positive
     * @param reserve how many of the last ones only pages that come home from a device may take, less than the limit
     * @param victims who says which pages leave; for this budget alone
     * @throws MemoryException EINVAL for other figures
     */
    public FrameBudget(long limit, long reserve, VictimPolicy victims) {
        setLimit(limit, reserve);
        this.lists = new WorkingSet(victims, this::limit);
    }

    /**
     * Changes the limit; frames in use beyond a lower one stay in use until they are given back.
     *
     * @param frames frames that may be in use at once, positive
     * @param kept how many of the last ones only pages that come home may take, less than the limit
     * @throws MemoryException EINVAL for other figures
     */
    public void setLimit(long frames, long kept) {
        if (frames <= 0 || kept < 0 || kept >= frames) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "a budget of " + frames + " frames with a reserve of " + kept
                            + ": the limit must be positive and the reserve less");
        }
        limit = frames;
        reserve = kept;
    }

    /** {@return frames that may be in use at once} */
    public long limit() {
        return limit;
    }

    /** {@return how many of the last frames only pages that come home may take} */
    public long reserve() {
        return reserve;
    }

    /** {@return frames in use} */
    public long used() {
        return used.get();
    }

    /** {@return frames that could still be charged by a page that comes home; not negative} */
    public long free() {
        return Math.max(0, limit - used.get());
    }

    /**
     * {@return whether one more frame is in use now}
     *
     * @param comingHome whether the frame is for a page that gives up a frame elsewhere, and so may take the reserve
     */
    public boolean tryCharge(boolean comingHome) {
        return tryCharge(1, comingHome) == 1;
    }

    /**
     * {@return how many more frames are in use now: as many as are wanted, or what is left}
     *
     * @param wanted how many, not negative
     * @param comingHome whether the frames are for pages that give up frames elsewhere, and so may take the reserve
     */
    public int tryCharge(int wanted, boolean comingHome) {
        long most = comingHome ? limit : limit - reserve;
        for (; ; ) {
            long now = used.get();
            long charged = Math.min(wanted, most - now);
            if (charged <= 0) {
                return 0;
            }
            if (used.compareAndSet(now, now + charged)) {
                return (int) charged;
            }
        }
    }

    /** Says that one frame less is in use. */
    public void uncharge() {
        uncharge(1);
    }

    /**
     * Says that some frames less are in use.
     *
     * @param frames how many
     */
    public void uncharge(int frames) {
        used.getAndAdd(-frames);
    }

    /** {@return what its pages do: a moment's figures} */
    public WorkingSetFigures workingSet() {
        return lists.figures();
    }

    /** {@return whether its victim policy samples accesses: old pages are to be watched} */
    public boolean samples() {
        return lists.samples();
    }

    /** {@return the inside of it; for the core} */
    @SuppressWarnings("exports") // only the core can use it
    public WorkingSet lists() {
        return lists;
    }

    @Override
    public String toString() {
        return used.get() + " of " + limit + " frames";
    }
}
