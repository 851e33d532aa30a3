package org.heteromem.core.frame;

import java.util.ArrayList;
import java.util.List;

/**
 * Who waits for which page lock: a small hashed table, as Linux has one for all pages. The order that makes it safe:
 * a waiter sets WAITERS while the lock is held and while it owns its bucket; whoever unlocks clears both bits at once
 * and then takes the bucket, so it cannot miss the entry. So does whoever frees a frame of homed memory.
 */
final class PageWaits {
    private static final int BUCKETS = 64;

    private record Entry(long frame, Runnable action) {}

    private final FrameTable frames;
    private final List<List<Entry>> buckets = new ArrayList<>();

    PageWaits(FrameTable frames) {
        this.frames = frames;
        for (int i = 0; i < BUCKETS; i++) {
            buckets.add(new ArrayList<>(0));
        }
    }

    private List<Entry> bucket(long frame) {
        return buckets.get((int) (frame ^ frame >>> 6) & (BUCKETS - 1));
    }

    void whenUnlocked(long frame, Runnable action) {
        List<Entry> bucket = bucket(frame);
        synchronized (bucket) {
            if (frames.flagWaiting(frame, Frames.LOCKED)) {
                bucket.add(new Entry(frame, action));
                return;
            }
        }
        action.run();
    }

    /** The same for a frame that somebody holds after its page was thrown away: whoever frees it wakes too. */
    void whenReleased(long frame, Runnable action) {
        List<Entry> bucket = bucket(frame);
        boolean waits;
        synchronized (bucket) {
            waits = frames.flagWaiting(frame, Frames.LOCKED | Frames.ALLOCATED);
            if (waits) {
                bucket.add(new Entry(frame, action));
            }
        }
        if (!waits) {
            action.run();
        } else if (frames.stopWaitingIfMapped(frame)) {
            // A page has come, and was unlocked before the flag was set: nobody else would wake.
            wake(frame);
        }
    }

    void wake(long frame) {
        List<Runnable> ready = new ArrayList<>(2);
        List<Entry> bucket = bucket(frame);
        synchronized (bucket) {
            bucket.removeIf(entry -> entry.frame() == frame && ready.add(entry.action()));
        }
        ready.forEach(Runnable::run);
    }
}
