package org.heteromem.core.space;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.heteromem.core.frame.FrameTable;

/**
 * Pages that several areas share (Linux: an shmem inode and its page cache). The object holds one reference to each page
 * as long as an area maps it. The map of pages is guarded by the object's monitor, innermost but for page-table locks.
 */
final class SharedObject extends Anchor {
    static final long ABSENT = -1;

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final Map<Long, Long> pages = new HashMap<>();
    private int users;

    @Override
    ReentrantReadWriteLock lock() {
        return lock;
    }

    /** Looks a page up and takes a reference to it. */
    synchronized long getPage(FrameTable frames, long index) {
        Long frame = pages.get(index);
        if (frame == null) {
            return ABSENT;
        }
        frames.get(frame);
        return frame;
    }

    synchronized boolean contains(long index) {
        return pages.containsKey(index);
    }

    /** Adds a page unless somebody was faster; the object takes a reference of its own. */
    synchronized boolean addPage(FrameTable frames, long index, long frame) {
        if (pages.putIfAbsent(index, frame) != null) {
            return false;
        }
        frames.get(frame);
        return true;
    }

    /** Puts another frame in a page's place if nobody else refers to the old one. */
    synchronized boolean replacePage(FrameTable frames, long index, long from, long to, long expectedCounts) {
        if (frames.counts(from) != expectedCounts || !pages.replace(index, from, to)) {
            return false;
        }
        frames.get(to);
        return true;
    }

    synchronized void addUser() {
        users++;
    }

    /** Gives up one area's hold; the last one frees the pages. */
    void dropUser(FrameTable frames) {
        Map<Long, Long> gone;
        synchronized (this) {
            users--;
            if (users > 0) {
                return;
            }
            gone = new java.util.TreeMap<>(pages);
            pages.clear();
        }
        gone.values().forEach(frames::put);
    }

    /** For the state checker. */
    synchronized int users() {
        return users;
    }

    /** For the state checker. */
    synchronized Map<Long, Long> snapshot() {
        return Map.copyOf(pages);
    }
}
