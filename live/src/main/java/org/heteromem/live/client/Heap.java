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

    private Heap() {}

    /**
     * Does work until it has found what heap it needs.
     *
     * @param work can be done again
     */
    static void retry(Runnable work) {
        long pause = 0;
        while (true) {
            try {
                if (pause > 0) {
                    LockSupport.parkNanos(pause);
                }
                work.run();
                return;
            } catch (OutOfMemoryError e) {
                // Nothing is called here: that may allocate too. Each time costs a collection, so less and less often.
                pause = pause == 0 ? RETRY_NANOS : pause < MOST_RETRY_NANOS ? 2 * pause : pause;
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
