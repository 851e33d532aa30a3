package org.heteromem.live.client;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * What has to be done whether or not the program has heap just now: it may have caught what it could not allocate, and go on; its
 * memory must not end with that.
 */
final class Heap {
    private static final long RETRY_NANOS = 10_000_000;
    private static final long MOST_RETRY_NANOS = 500_000_000;
    /** After what time a shortage is another one than the last. */
    private static final long FORGET_NANOS = 5_000_000_000L;

    private Heap() {}

    /**
     * Does work until it has found what heap it needs.
     *
     * @param work can be done again
     */
    static void retry(Runnable work) {
        long pause = 0;
        long last = System.nanoTime();
        while (true) {
            try {
                if (pause > 0) {
                    LockSupport.parkNanos(pause);
                }
                work.run();
                return;
            } catch (OutOfMemoryError e) {
                // Nothing is called here that may allocate. Each time costs a collection, so less and less often.
                long now = System.nanoTime();
                boolean again = pause > 0 && now - last < FORGET_NANOS;
                pause = again ? Math.min(2 * pause, MOST_RETRY_NANOS) : RETRY_NANOS;
                last = now;
            }
        }
    }

    /** Waits for an answer that is always a value, and for heap to wait with. */
    static Reply join(CompletableFuture<Reply> answer) {
        while (true) {
            try {
                return answer.join();
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }
}
