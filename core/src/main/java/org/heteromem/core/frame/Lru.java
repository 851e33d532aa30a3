package org.heteromem.core.frame;

import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** A doubly linked list through the frames' third words; index + 1, so that 0 is no neighbour. Guarded by the node's LRU lock. */
final class Lru {
    private final FrameTable table;
    private final long base;
    private final Tally all;
    private int first;
    private int last;
    private long size;
    /** Of those that are {@link Frames#WATCHED}: the newest, and how many. */
    private int edge;

    private long watched;

    /** How many pages the lists of one kind have together. */
    static final class Tally {
        long pages;
    }

    Lru(FrameTable table, long base, Tally all) {
        this.table = table;
        this.base = base;
        this.all = all;
    }

    private static int previous(long links) {
        return (int) (links >>> 32);
    }

    private static int next(long links) {
        return (int) links;
    }

    private static long links(int previous, int next) {
        return (long) previous << 32 | Integer.toUnsignedLong(next);
    }

    private int id(long frame) {
        return (int) (frame - base + 1);
    }

    private long frame(int id) {
        return base + Integer.toUnsignedLong(id) - 1;
    }

    void addFirst(long frame) {
        int id = id(frame);
        table.setLinks(frame, links(0, first));
        if (first != 0) {
            table.setLinks(frame(first), links(id, next(table.links(frame(first)))));
        } else {
            last = id;
        }
        first = id;
        size++;
        all.pages++;
    }

    void addLast(long frame) {
        int id = id(frame);
        table.setLinks(frame, links(last, 0));
        if (last != 0) {
            table.setLinks(frame(last), links(previous(table.links(frame(last))), id));
        } else {
            first = id;
        }
        last = id;
        size++;
        all.pages++;
    }

    void remove(long frame) {
        long links = table.links(frame);
        int previous = previous(links);
        int next = next(links);
        if (watched != 0 && (table.clear(frame, Frames.WATCHED | Frames.IDLE) & Frames.WATCHED) != 0) {
            watched--;
            edge = edge == id(frame) ? next : edge;
        }
        if (previous != 0) {
            table.setLinks(frame(previous), links(previous(table.links(frame(previous))), next));
        } else {
            first = next;
        }
        if (next != 0) {
            table.setLinks(frame(next), links(previous, next(table.links(frame(next)))));
        } else {
            last = previous;
        }
        // Links of a page that is on no list can be read as the shadow of one that was evicted.
        table.setLinks(frame, 0);
        size--;
        all.pages--;
    }

    int rotate(long[] out, int from, int most) {
        int n = from;
        for (long left = Math.min(size, most); left > 0; left--) {
            long frame = frame(last);
            remove(frame);
            addFirst(frame);
            out[n++] = frame;
        }
        return n;
    }

    long watched() {
        return watched;
    }

    /** How many more than now are to be watched, if so many shall be. */
    long unwatched(long wanted) {
        return Math.max(0, Math.min(wanted, size) - watched);
    }

    /** Watches more of the oldest, until as many are watched as wanted; fills in which, and returns the end. */
    int watch(long[] out, int from, long wanted) {
        int n = from;
        for (; n < out.length && watched < Math.min(wanted, size); n++) {
            int id = watched == 0 ? last : previous(table.links(frame(edge)));
            if (id == 0) {
                // Some were put behind those that are watched; their turn comes before any of these.
                break;
            }
            edge = id;
            watched++;
            out[n] = frame(id);
            table.set(out[n], Frames.WATCHED | Frames.IDLE);
        }
        return n;
    }

    /** Makes a page the newest that it has. */
    void renew(long frame) {
        remove(frame);
        addFirst(frame);
    }

    long size() {
        return size;
    }

    /** Visits all, and tells of links that do not agree; stops at the first of those. */
    void audit(LongConsumer visitor, Consumer<String> broken) {
        long seen = 0;
        long flagged = 0;
        int newest = 0;
        int before = 0;
        for (int id = first; id != 0; id = next(table.links(frame(id)))) {
            long links = table.links(frame(id));
            if (seen == size || previous(links) != before) {
                broken.accept("frame 0x" + Long.toHexString(frame(id)) + " is number " + (seen + 1) + " of " + size
                        + " and its way back leads to " + previous(links) + ", not " + before);
                return;
            }
            visitor.accept(frame(id));
            if (table.has(frame(id), Frames.WATCHED)) {
                newest = newest == 0 ? id : newest;
                flagged++;
            }
            before = id;
            seen++;
        }
        if (seen != size || last != before) {
            broken.accept("has " + seen + " frames, not " + size + ", and ends at " + before + ", not " + last);
        }
        if (flagged != watched || (flagged > 0 && newest != edge)) {
            broken.accept("has " + flagged + " frames that are watched, the newest " + newest + ", not " + watched
                    + " and " + edge);
        }
    }
}
