package org.heteromem.stress.soak;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Knows the right value of every word. A word is (page, writer, slot); one thread writes it, versions go up by one.
 *
 * <pre>
 *  a page         0        8        64                         64 * (writer + 1)
 *                +--------+--------+--------------------------+----+-----+------------------+---+
 *                | adds   | 0      | 0                        |LONG| INT | BULK, four words | 0 | ...
 *                +--------+--------+--------------------------+----+-----+------------------+---+
 *  LONG, BULK     63    56 55    40 39    32 31              0
 *                +--------+--------+--------+-----------------+
 *                | 0x5a   | page   | writer | version         |   0 is version 0
 *                +--------+--------+--------+-----------------+
 *  INT            31                     20 19               0
 *                +-------------------------+------------------+
 *                | page                    | version          |
 *                +-------------------------+------------------+
 * </pre>
 */
final class Ledger {
    static final int WRITERS = 16;
    static final int LONG = 0;
    static final int INT = 1;
    static final int BULK = 2;
    static final int SLOTS = 3;
    static final int BULK_WORDS = 4;

    private static final long MAGIC = 0x5aL << 56;
    private static final int STRIPE = 64;
    private static final int INT_OFFSET = 8;
    private static final int BULK_OFFSET = 16;

    final int pages;
    private final AtomicLongArray announced;
    private final AtomicLongArray done;
    private final AtomicLongArray addsAnnounced;
    private final AtomicLongArray addsDone;

    Ledger(int pages) {
        this.pages = pages;
        this.announced = new AtomicLongArray(pages * WRITERS * SLOTS);
        this.done = new AtomicLongArray(pages * WRITERS * SLOTS);
        this.addsAnnounced = new AtomicLongArray(pages);
        this.addsDone = new AtomicLongArray(pages);
    }

    int words() {
        return announced.length();
    }

    static int word(int page, int writer, int slot) {
        return (page * WRITERS + writer) * SLOTS + slot;
    }

    static int offset(int writer, int slot) {
        return STRIPE * (writer + 1) + (slot == LONG ? 0 : slot == INT ? INT_OFFSET : BULK_OFFSET);
    }

    static long longValue(int page, int writer, long version) {
        return version == 0 ? 0 : MAGIC | (long) page << 40 | (long) writer << 32 | version;
    }

    static int intValue(int page, long version) {
        return version == 0 ? 0 : page << 20 | (int) version;
    }

    /** {@return the version in a long word, or -1 if these bytes belong elsewhere} */
    static long longVersion(int page, int writer, long value) {
        long version = value & 0xffff_ffffL;
        return value == longValue(page, writer, version) ? version : -1;
    }

    /** {@return the version in an int word, or -1 if these bytes belong elsewhere} */
    static long intVersion(int page, int value) {
        long version = value & 0xfffff;
        return value == intValue(page, version) ? version : -1;
    }

    long announced(int word) {
        return announced.get(word);
    }

    long done(int word) {
        return done.get(word);
    }

    /** {@return the next version of a word; by its writer} */
    long announce(int word) {
        long next = done.get(word) + 1;
        announced.set(word, next);
        return next;
    }

    void complete(int word, long version) {
        done.set(word, version);
    }

    void announceAdd(int page) {
        addsAnnounced.getAndIncrement(page);
    }

    void completeAdd(int page) {
        addsDone.getAndIncrement(page);
    }

    long addsAnnounced(int page) {
        return addsAnnounced.get(page);
    }

    long addsDone(int page) {
        return addsDone.get(page);
    }

    /** {@return what was done, at one moment or another from now until it returns} */
    long[] copyDone() {
        return copy(done);
    }

    /** {@return what was announced, at one moment or another from now until it returns} */
    long[] copyAnnounced() {
        return copy(announced);
    }

    private static long[] copy(AtomicLongArray array) {
        long[] copy = new long[array.length()];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = array.get(i);
        }
        return copy;
    }
}
