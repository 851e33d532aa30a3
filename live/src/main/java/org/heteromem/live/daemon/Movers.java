package org.heteromem.live.daemon;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Moves what a client asks for in bulk by several threads: one copies no faster than the kernel makes pages for it, and more
 * of them fill the memory bus. Whoever has to move something does so himself, and others help where they are free; so
 * nobody ever waits for another client's work. The threads are those of a daemon and come when they are first wanted.
 *
 * <p>Thread-safe.
 */
final class Movers implements AutoCloseable {
    /** How many threads help at most: a few copies at a time take all of a memory bus. */
    static final int MOST = 3;

    private static final long IDLE_SECONDS = 10;

    private final int helpers;
    private final ThreadPoolExecutor pool;

    /**
     * @param cpus how many CPUs the daemon may use; with one nobody helps
     */
    Movers(int cpus) {
        this(cpus, Thread.ofPlatform().daemon().name("mover-", 1).factory());
    }

    Movers(int cpus, ThreadFactory threads) {
        helpers = Math.clamp(cpus - 1L, 0, MOST);
        // Nothing waits in it: who is busy does not help, and no work is kept that was done long ago.
        pool = new ThreadPoolExecutor(
                0,
                Math.max(1, helpers),
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                threads,
                new ThreadPoolExecutor.DiscardPolicy());
    }

    /**
     * Does all parts of some work, in ascending order as far as several threads can, and returns when none is being done any
     * more. Once a part fails no further one is begun.
     *
     * @param parts how many
     * @param most how many threads it is worth beside this one
     * @param part does one and says how many pages it moved; called by several threads at once
     * @return how many pages all moved
     */
    long move(int parts, long most, IntToLongFunction part) {
        Work work = new Work(parts, part);
        try {
            for (int i = 0; i < Math.min(helpers, Math.min(most, parts - 1)); i++) {
                pool.execute(work);
            }
        } catch (OutOfMemoryError e) {
            // The system has no thread for it: it is done without.
        }
        work.run();
        return work.await();
    }

    /** Lets the threads go once they have nothing to do. */
    @Override
    public void close() {
        pool.shutdown();
    }

    private static final class Work implements Runnable {
        private final int parts;
        private final IntToLongFunction part;
        private final AtomicInteger begun = new AtomicInteger();
        private final CountDownLatch left;
        private final LongAdder moved = new LongAdder();
        private volatile @Nullable Throwable failure;

        Work(int parts, IntToLongFunction part) {
            this.parts = parts;
            this.part = part;
            this.left = new CountDownLatch(parts);
        }

        @Override
        public void run() {
            for (int i = begun.getAndIncrement(); i < parts; i = begun.getAndIncrement()) {
                try {
                    if (failure == null) {
                        moved.add(part.applyAsLong(i));
                    }
                } catch (RuntimeException | Error e) {
                    fail(e);
                } finally {
                    left.countDown();
                }
            }
        }

        /** For who asked: he throws it. */
        private synchronized void fail(Throwable e) {
            Throwable first = failure;
            if (first == null || (e instanceof Error && !(first instanceof Error))) {
                failure = e;
            }
        }

        long await() {
            Uninterrupted.finish(left::await);
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure instanceof RuntimeException exception) {
                throw exception;
            }
            return moved.sum();
        }
    }
}
