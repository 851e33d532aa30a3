package org.heteromem.core.space;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.ReentrantLock;

/** 512 entries and the lock that guards them (Linux: a PTE table and its split page-table lock). */
public final class PageTableLeaf {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int INDEX_MASK = (1 << PageTable.LEAF_SHIFT) - 1;

    /** The first page covered. */
    public final long firstPage;

    /** The page-table lock. Innermost: nothing may block while it is held. */
    final ReentrantLock lock = new ReentrantLock();

    private final long[] entries = new long[1 << PageTable.LEAF_SHIFT];

    PageTableLeaf(long firstPage) {
        this.firstPage = firstPage;
    }

    /**
     * {@return the entry of a page}
     *
     * @param page a page that this leaf covers
     */
    public long get(long page) {
        return (long) ENTRY.getVolatile(entries, (int) page & INDEX_MASK);
    }

    /** Sets an entry; under the lock, and only where no translation can be in use (it was not present). */
    void set(long page, long entry) {
        // Release is enough: an entry that was not present is in no translation, so nothing has to be seen before going
        // on.
        ENTRY.setRelease(entries, (int) page & INDEX_MASK, entry);
    }

    /** Replaces a present entry by one that keeps its used and dirty bits; returns the old one; under the lock. */
    long exchangeKeepingUse(long page, long entry) {
        int at = (int) page & INDEX_MASK;
        for (; ; ) {
            long old = (long) ENTRY.getVolatile(entries, at);
            long kept = entry | old & (PteLayout.YOUNG | PteLayout.DIRTY);
            if (ENTRY.weakCompareAndSet(entries, at, old, kept)) {
                return old;
            }
        }
    }

    /** {@return the old entry, with the last word on its used and dirty bits; stores a new one; under the lock} */
    long exchange(long page, long entry) {
        return (long) ENTRY.getAndSet(entries, (int) page & INDEX_MASK, entry);
    }

    /** Sets the used bit, and the dirty bit for a write, if the entry is still what it was. Without the lock. */
    boolean touch(long page, long expected, boolean write) {
        long touched = expected | PteLayout.YOUNG | (write ? PteLayout.DIRTY : 0);
        return touched == expected || ENTRY.compareAndSet(entries, (int) page & INDEX_MASK, expected, touched);
    }

    /** Changes bits of an entry whatever the used and dirty bits do meanwhile; under the lock. */
    long update(long page, long clearBits, long setBits) {
        int at = (int) page & INDEX_MASK;
        for (; ; ) {
            long old = (long) ENTRY.getVolatile(entries, at);
            long changed = old & ~clearBits | setBits;
            if (ENTRY.weakCompareAndSet(entries, at, old, changed)) {
                return old;
            }
        }
    }

    /** {@return whether nobody holds the lock} */
    public boolean unlocked() {
        return !lock.isLocked();
    }
}
