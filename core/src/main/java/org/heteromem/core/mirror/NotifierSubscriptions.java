package org.heteromem.core.mirror;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.wait.WaitPoint;
import org.heteromem.core.wait.Waiting;

/**
 * All interval notifiers of one address space and the count of invalidations under way (Linux: mmu_notifier_subscriptions,
 * whose collision-retry scheme this follows).
 *
 * <p>{@code sequence} is odd while an invalidation that somebody follows is under way. A notifier remembers the value that
 * its last invalidation had; as long as that equals the current value, the invalidation has not ended and a reader waits.
 * Every invalidation is counted, also when nobody listens yet: a notifier that is inserted while one runs starts out as
 * colliding with it.
 */
public final class NotifierSubscriptions {
    private final Waiting waiting;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile IntervalNotifier[] notifiers = {};
    private volatile long sequence = 2;
    private int active;
    private List<Runnable> waiters = new ArrayList<>();

    /**
     * Makes an empty set.
     *
     * @param waiting how readers wait
     */
    public NotifierSubscriptions(Waiting waiting) {
        this.waiting = waiting;
    }

    IntervalNotifier insert(AddressSpace space, long start, long end, IntervalNotifier.Callback callback) {
        IntervalNotifier notifier = new IntervalNotifier(this, waiting, space, start, end, callback);
        lock.lock();
        try {
            if (active > 0) {
                sequence |= 1;
                notifier.setSequence(sequence);
            } else {
                notifier.setSequence(sequence - 1);
            }
            IntervalNotifier[] grown = Arrays.copyOf(notifiers, notifiers.length + 1);
            grown[notifiers.length] = notifier;
            notifiers = grown;
        } finally {
            lock.unlock();
        }
        return notifier;
    }

    /**
     * Announces a change; returns when every follower has dropped the range.
     *
     * @param invalidation what is about to change; must be ended with {@link #end}
     */
    public void start(Invalidation invalidation) {
        IntervalNotifier[] followers;
        long current;
        lock.lock();
        try {
            active++;
            followers = notifiers;
            if (followers.length == 0 || !anyOverlaps(followers, invalidation)) {
                return;
            }
            sequence |= 1;
            current = sequence;
        } finally {
            lock.unlock();
        }
        for (IntervalNotifier follower : followers) {
            if (follower.overlaps(invalidation.address(), invalidation.end())) {
                follower.notify(invalidation, current);
            }
        }
    }

    private static boolean anyOverlaps(IntervalNotifier[] followers, Invalidation invalidation) {
        for (IntervalNotifier follower : followers) {
            if (follower.overlaps(invalidation.address(), invalidation.end())) {
                return true;
            }
        }
        return false;
    }

    /** The change that {@link #start} announced is done. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // the lock is held
    public void end() {
        List<Runnable> ready = List.of();
        lock.lock();
        try {
            active--;
            if (active == 0 && (sequence & 1) != 0) {
                sequence++;
                ready = waiters;
                waiters = new ArrayList<>();
            }
        } finally {
            lock.unlock();
        }
        ready.forEach(Runnable::run);
    }

    private WaitPoint over(long current) {
        return action -> {
            lock.lock();
            try {
                if (sequence == current) {
                    waiters.add(action);
                    return;
                }
            } finally {
                lock.unlock();
            }
            action.run();
        };
    }

    long readBegin(IntervalNotifier notifier, Waiting how) {
        for (; ; ) {
            long begun;
            boolean invalidating;
            lock.lock();
            try {
                begun = notifier.sequence();
                invalidating = begun == sequence;
            } finally {
                lock.unlock();
            }
            if (!invalidating) {
                return begun;
            }
            how.await(over(begun));
        }
    }

    void remove(IntervalNotifier notifier, Waiting how) {
        long current;
        lock.lock();
        try {
            notifiers = Arrays.stream(notifiers).filter(n -> n != notifier).toArray(IntervalNotifier[]::new);
            current = (sequence & 1) != 0 ? sequence : -1;
        } finally {
            lock.unlock();
        }
        while (current >= 0 && sequence == current) {
            how.await(over(current));
        }
    }

    /** {@return whether no invalidation is under way} */
    public boolean quiet() {
        lock.lock();
        try {
            return active == 0;
        } finally {
            lock.unlock();
        }
    }
}
