package org.heteromem.proof.world;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.devices.storage.PageStore;
import org.heteromem.devices.storage.StorageFullException;
import org.heteromem.devices.storage.StorageIoException;
import org.jspecify.annotations.Nullable;

/** Faults injected where the outside of the core can fail. Asked at each such point; counts what it did. */
public final class Trouble {
    /** Where the outside can fail. */
    public enum Point {
        /** No frame of RAM is free. */
        ALLOCATION,
        /** A device has no frame free. */
        DEVICE_FULL,
        /** A driver's copy throws. */
        COPY,
        /** A driver answers a CPU fault with a failure. */
        DRIVER_FAILS,
        /** A driver throws when a CPU faults. */
        DRIVER_THROWS,
        /** A driver says that it has no memory, though it has. */
        DRIVER_SAYS_NO_MEMORY,
        /** A driver says that it is done, and did nothing. */
        DRIVER_DOES_NOTHING,
        /** A storage device cannot write a page. */
        STORE_WRITE,
        /** A storage device says that it is full, though it is not. */
        STORE_FULL,
        /** A storage device cannot read a page this time. */
        STORE_READ
    }

    /** Those that only worlds with storage have. */
    public static final Set<Point> OF_STORAGE = EnumSet.of(Point.STORE_WRITE, Point.STORE_FULL, Point.STORE_READ);

    private final SplittableRandom random;
    private final double probability;
    /** At which passage it strikes; 0: by chance. */
    private final long nth;

    private long passed;
    private final long[] injected = new long[Point.values().length];
    private boolean armed;
    private boolean happened;
    private boolean ramIsSmall;

    private Trouble(long seed, double probability, long nth) {
        this.random = new SplittableRandom(seed);
        this.probability = probability;
        this.nth = nth;
    }

    /** {@return no trouble at all} */
    public static Trouble none() {
        return new Trouble(0, 0, 0);
    }

    /**
     * {@return trouble once}
     *
     * @param nth at which of the points that can fail, counted from 1 as they are met
     */
    public static Trouble nth(long nth) {
        return new Trouble(0, 0, nth);
    }

    /**
     * {@return trouble at random}
     *
     * @param seed of its choices
     * @param probability that a point at which something can fail does, 0 to 1
     */
    public static Trouble random(long seed, double probability) {
        return new Trouble(seed, probability, 0);
    }

    /** {@return whether there can be any} */
    public boolean possible() {
        return probability > 0 || nth > 0;
    }

    /**
     * Lets trouble happen, or ends it.
     *
     * @param on which of the two
     */
    public void arm(boolean on) {
        armed = on && possible();
        if (on) {
            happened = false;
        }
    }

    /**
     * Does something to which nothing happens: looking at what there is.
     *
     * @param what what
     */
    void spare(Runnable what) {
        boolean before = armed;
        armed = false;
        try {
            what.run();
        } finally {
            armed = before;
        }
    }

    /** {@return whether there was any since it was armed} */
    public boolean happened() {
        return happened;
    }

    /**
     * {@return how often a point failed}
     *
     * @param point which
     */
    public long injected(Point point) {
        return injected[point.ordinal()];
    }

    private boolean strikes(Point point) {
        if (!armed || (nth > 0 ? ++passed != nth : random.nextDouble() >= probability)) {
            return false;
        }
        injected[point.ordinal()]++;
        happened = true;
        return true;
    }

    /** RAM is full and nothing can leave it: nobody's fault, but what a step needs is not there. */
    void shortage() {
        happened = true;
    }

    /** Says that RAM can be too small for all that a step wants at once. */
    void ramIsSmall() {
        ramIsSmall = true;
    }

    /** A device wants more pages at once than there is RAM: some go while others come. */
    void crowded() {
        happened |= ramIsSmall;
    }

    void beforeStoring(PageStore store, long offset) {
        if (strikes(Point.STORE_FULL)) {
            throw new StorageFullException(store.name(), offset, store.bytesUsed(), store.capacityBytes());
        }
        if (strikes(Point.STORE_WRITE)) {
            throw new StorageIoException(store.name(), offset, "cannot be written", new IOException("injected"));
        }
    }

    void beforeReading(PageStore store, long offset) {
        if (strikes(Point.STORE_READ)) {
            throw new StorageIoException(store.name(), offset, "cannot be read", new IOException("injected"));
        }
    }

    boolean mayAllocate(MemoryNode node) {
        return !strikes(Point.ALLOCATION);
    }

    boolean deviceFull() {
        return strikes(Point.DEVICE_FULL);
    }

    void beforeCopy() {
        if (strikes(Point.COPY)) {
            throw new InjectedException("the copy engine stopped");
        }
    }

    @Nullable
    DriverResult insteadOfBringingHome() {
        if (strikes(Point.DRIVER_THROWS)) {
            throw new InjectedException("the driver fell over");
        }
        if (strikes(Point.DRIVER_FAILS)) {
            return DriverResult.FAILED;
        }
        if (strikes(Point.DRIVER_SAYS_NO_MEMORY)) {
            return DriverResult.NO_MEMORY;
        }
        return strikes(Point.DRIVER_DOES_NOTHING) ? DriverResult.DONE : null;
    }

    /** What an injected failure throws. */
    static final class InjectedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        InjectedException(String what) {
            super(what);
        }
    }
}
