package org.heteromem.live.daemon;

/** Waiting that has to be done to its end: an interrupt is for what the thread does afterwards. */
final class Uninterrupted {
    private Uninterrupted() {}

    /** Something that waits, and can be begun again. */
    @FunctionalInterface
    interface Waiting {
        /** Waits. */
        void run() throws InterruptedException;
    }

    /** Returns when the waiting is over; an interrupt that comes meanwhile is kept. */
    static void finish(Waiting waiting) {
        boolean interrupted = false;
        for (; ; ) {
            try {
                waiting.run();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
