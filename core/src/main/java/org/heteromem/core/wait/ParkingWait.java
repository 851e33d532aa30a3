package org.heteromem.core.wait;

import java.util.concurrent.CountDownLatch;

/** Waits by parking the thread. */
final class ParkingWait implements Waiting {
    @Override
    public void await(WaitPoint point) {
        CountDownLatch ready = new CountDownLatch(1);
        point.whenReady(ready::countDown);
        boolean interrupted = false;
        for (; ; ) {
            try {
                ready.await();
                break;
            } catch (InterruptedException e) {
                // A page fault cannot be abandoned half-way: remember the interrupt and finish.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
