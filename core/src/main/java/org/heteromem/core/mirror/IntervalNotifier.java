package org.heteromem.core.mirror;

import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/**
 * Tells a driver of changes to a range of a process, so that its own table can follow (Linux: mmu_interval_notifier).
 *
 * <p>The protocol that makes a mirror never more permissive than the page table:
 *
 * <pre>{@code
 * for (;;) {
 *     long sequence = notifier.readBegin();       // waits while an invalidation runs
 *     rangeFault.run(...);                        // looks at the page table
 *     driverLock.lock();
 *     try {
 *         if (notifier.readRetry(sequence)) continue;   // it changed meanwhile
 *         ...fill the device table...
 *         break;
 *     } finally { driverLock.unlock(); }
 * }
 *
 * // and in the callback, under the same lock:
 * (invalidation, sequence) -> { driverLock.lock(); notifier.setSequence(sequence); ...drop entries...; driverLock.unlock(); }
 * }</pre>
 *
 * Thread-safe.
 */
public final class IntervalNotifier implements AutoCloseable {
    /** What a driver does when a range changes. */
    @FunctionalInterface
    public interface Callback {
        /**
         * Drops what the device has of the range; when it returns, no access of the device through old entries may be
         * under way. Must call {@link IntervalNotifier#setSequence} under the driver's lock, and must not call into the
         * memory manager. If it throws, the change goes on, and the notifier is broken: see {@link
         * IntervalNotifier#readBegin}.
         *
         * @param invalidation what changes
         * @param sequence the number for {@code setSequence}
         */
        void invalidate(Invalidation invalidation, long sequence);
    }

    private final NotifierSubscriptions subscriptions;
    private final Waiting waiting;
    private final AddressSpace space;
    private final long start;
    private final long end;
    private final Callback callback;
    private volatile long sequence;
    private volatile @Nullable Throwable failure;

    IntervalNotifier(
            NotifierSubscriptions subscriptions,
            Waiting waiting,
            AddressSpace space,
            long start,
            long end,
            Callback callback) {
        this.subscriptions = subscriptions;
        this.waiting = waiting;
        this.space = space;
        this.start = start;
        this.end = end;
        this.callback = callback;
    }

    /**
     * Starts to follow a range (mmu_interval_notifier_insert).
     *
     * @param space the process
     * @param address first byte
     * @param length bytes, positive
     * @param callback what to do on a change
     * @return the notifier, to be closed by its owner
     * @throws MemoryException EOVERFLOW if the range is empty or leaves the address space
     */
    public static IntervalNotifier insert(AddressSpace space, long address, long length, Callback callback) {
        if (address < 0 || length <= 0 || address + length < 0) {
            throw new MemoryException(
                    Errno.EOVERFLOW,
                    "cannot follow " + length + " bytes at 0x" + Long.toHexString(address) + ": not a range");
        }
        return space.mm().notifiers().insert(space, address, address + length, callback);
    }

    /** {@return the process followed} */
    public AddressSpace space() {
        return space;
    }

    /** Tells the driver; what it throws must not stop the change half-way, for nobody could put that right. */
    void notify(Invalidation invalidation, long current) {
        try {
            callback.invalidate(invalidation, current);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    boolean overlaps(long from, long to) {
        return from < end && start < to;
    }

    long sequence() {
        return sequence;
    }

    /**
     * Starts a look at the page table; waits while an invalidation of the range runs.
     *
     * @return the number for {@link #readRetry}
     * @throws IllegalStateException if the callback threw: what the device has may be out of date for good
     */
    public long readBegin() {
        Throwable broken = failure;
        if (broken != null) {
            throw new IllegalStateException(
                    "this notifier missed a change because its callback failed; close it and start anew", broken);
        }
        return subscriptions.readBegin(this, waiting);
    }

    /**
     * {@return whether the range changed since {@link #readBegin}; to be asked under the driver's lock}
     *
     * @param begun what readBegin returned
     */
    public boolean readRetry(long begun) {
        return sequence != begun || failure != null;
    }

    /**
     * {@return whether the range has certainly changed since {@link #readBegin}; a hint that needs no lock}
     *
     * @param begun what readBegin returned
     */
    public boolean checkRetry(long begun) {
        return sequence != begun;
    }

    /**
     * Notes that the range changed; from the callback, under the driver's lock.
     *
     * @param current the number that the callback was given
     */
    public void setSequence(long current) {
        sequence = current;
    }

    /** Stops following; waits for callbacks under way. Not from within a callback. */
    @Override
    public void close() {
        subscriptions.remove(this, waiting);
    }
}
