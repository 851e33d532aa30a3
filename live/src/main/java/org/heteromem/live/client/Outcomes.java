package org.heteromem.live.client;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Hands a program what it asked for without waiting, by threads that are nobody else's: a program may stand still in what it
 * does next, for as long as it likes, and holds up no other answer. Whoever brings a reply only notes it; a thread of this one
 * finds another one to go on with it, which may need heap, and tries until there is some.
 *
 * <p>The threads come with the first such request and go after a while. Thread-safe.
 */
final class Outcomes {
    private static final long IDLE_SECONDS = 10;
    /** When to look whether a thread has begun with what it was given. */
    private static final long LOOK_NANOS = 10_000_000;
    /** After what time a thread has not only not begun yet, but ended: it may have found no heap to begin with. */
    private static final long LOST_NANOS = 1_000_000_000;

    private final Set<Outcome<?>> outstanding = ConcurrentHashMap.newKeySet();
    private final Executor threads;
    /** Made now: where it is needed there may be no heap. */
    private final Runnable dispatching = this::dispatch;
    /** Changed under the lock of this. */
    private volatile @Nullable Thread dispatcher;

    private volatile boolean closed;

    Outcomes() {
        // Nothing ever waits in it: a thread that cannot be started leaves nothing behind.
        this(new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                Thread.ofPlatform().daemon().name("heteromem-answer-", 1).factory()));
    }

    /**
     * @param threads runs what it is given, unless it throws
     */
    Outcomes(Executor threads) {
        this.threads = threads;
    }

    /**
     * {@return what becomes of some requests, of which this knows until it is handed on, or forgotten}
     *
     * @param requests how many replies it is made of
     * @param result if called again returns the same, as far as {@code unwanted} cares
     * @param unwanted gets what the program does not take, as it has cancelled or completed the future itself
     */
    synchronized <T> Outcome<T> outcome(int requests, Result<T> result, Consumer<T> unwanted) {
        Outcome<T> outcome = new Outcome<>(requests, result, unwanted, this);
        if (dispatcher == null) {
            Thread thread =
                    Thread.ofPlatform().daemon().name("heteromem-answers").unstarted(() -> Heap.retry(dispatching));
            thread.start();
            dispatcher = thread;
        }
        outstanding.add(outcome);
        return outcome;
    }

    /** Nobody has asked, or not for all of it. */
    void forget(Outcome<?> outcome) {
        outstanding.remove(outcome);
        LockSupport.unpark(dispatcher);
    }

    /** Tells that there is a reply; may be told twice. */
    void replied() {
        LockSupport.unpark(dispatcher);
    }

    /** No more replies come but those of a connection that has ended. */
    void close() {
        closed = true;
        LockSupport.unpark(dispatcher);
    }

    /** Done again after want of heap. */
    private void dispatch() {
        while (!isOver()) {
            if (handAllOn()) {
                LockSupport.parkNanos(this, LOOK_NANOS);
            } else {
                LockSupport.park(this);
            }
        }
    }

    private synchronized boolean isOver() {
        outstanding.removeIf(Outcome::hasBegun);
        boolean over = closed && outstanding.isEmpty();
        if (over) {
            dispatcher = null;
        }
        return over;
    }

    /** {@return whether some have not begun yet} */
    private boolean handAllOn() {
        boolean handed = false;
        for (Outcome<?> outcome : outstanding) {
            if (outcome.isReplied()) {
                handed = true;
                if (outcome.isToBeHanded(System.nanoTime(), LOST_NANOS)) {
                    threads.execute(outcome);
                    outcome.setHanded(System.nanoTime());
                }
            }
        }
        return handed;
    }
}
