package org.heteromem.core.space;

import java.util.List;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.frame.HomedNode;
import org.jspecify.annotations.Nullable;

/**
 * An area of an address space (Linux: vm_area_struct). Changed only under the address space's exclusive lock, its bounds
 * also under the lock of its anchors; {@link #anonVma} may be set once under the shared lock (see {@link Mm#prepareAnon}).
 */
final class Vma {
    /** The process locked it in RAM. */
    static final int LOCKED = 1;
    /** A child does not get it. */
    static final int DONTFORK = 1 << 1;
    /** A child gets it empty. */
    static final int WIPEONFORK = 1 << 2;
    /** It was writable once, so its pages are accounted (VM_ACCOUNT). */
    static final int ACCOUNT = 1 << 3;
    /** Advised to use 2 MiB pages. */
    static final int HUGEPAGE = 1 << 4;
    /** Advised not to. */
    static final int NOHUGEPAGE = 1 << 5;

    /** It has had guards, so its page table may say more than that pages are absent (VM_MAYBE_GUARD). */
    static final int MAYBE_GUARD = 1 << 6;

    /** Flags that do not keep areas apart and that the joined area has if one of the two had them. */
    static final int STICKY = MAYBE_GUARD;

    final Mm mm;
    long start;
    long end;
    /** The index, in the anchor, of the first page. */
    long offset;

    Protection protection;
    int flags;
    /** The shared pages, or null for private anonymous memory. */
    final @Nullable SharedObject shared;
    /** The only frames that its pages can live in while they are in RAM, or null for any frames. */
    final @Nullable HomedNode homed;
    /** The anchor of pages that this area allocates; null until it has had an anonymous page. */
    volatile @Nullable AnonVma anonVma;
    /** Own anchor first, then those of ancestors. */
    volatile List<AnonVma> chain = List.of();

    Vma(Mm mm, long start, long end, long offset, Protection protection, int flags, @Nullable SharedObject shared) {
        this(mm, start, end, offset, protection, flags, shared, null);
    }

    private Vma(
            Mm mm,
            long start,
            long end,
            long offset,
            Protection protection,
            int flags,
            @Nullable SharedObject shared,
            @Nullable HomedNode homed) {
        this.mm = mm;
        this.start = start;
        this.end = end;
        this.offset = offset;
        this.protection = protection;
        this.flags = flags;
        this.shared = shared;
        this.homed = homed;
    }

    /** An area of homed memory. */
    static Vma homed(Mm mm, long start, HomedNode homed, Protection protection) {
        int flags = (protection.writable() ? ACCOUNT : 0) | DONTFORK | NOHUGEPAGE;
        return new Vma(mm, start, start + homed.frames(), start, protection, flags, null, homed);
    }

    /** Another part of the same area, or the same elsewhere. */
    Vma like(long from, long to, long index) {
        return new Vma(mm, from, to, index, protection, flags, shared, homed);
    }

    /** Homed memory cannot be moved, copied or made read-only under the hands of who executes it. */
    void needOrdinary(String operation) {
        if (homed != null) {
            throw new MemoryException(
                    Errno.EINVAL,
                    operation + ": " + FaultHandler.at(start) + " is homed memory '" + homed.name()
                            + "', whose pages belong to their addresses; only unmap, advise and migration apply to it");
        }
    }

    boolean isPrivate() {
        return shared == null;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Whether a child could not find all of the area's pages and guards again by faults (vma_needs_copy). */
    boolean needsCopy() {
        return anonVma != null || has(MAYBE_GUARD);
    }

    long pages() {
        return end - start;
    }

    boolean contains(long page) {
        return page >= start && page < end;
    }

    long index(long page) {
        return offset + (page - start);
    }

    /** The page at which this area would map an index; only meaningful if {@link #covers}. */
    long pageOf(long index) {
        return start + (index - offset);
    }

    boolean covers(long index) {
        return index >= offset && index - offset < end - start;
    }

    /** Read and, for a private area, never write: the bits that a fresh entry gets beside the write bit. */
    long entryBits() {
        return protection.readable() ? PteLayout.READ : 0;
    }

    Area toArea() {
        return new Area(
                Page.address(start),
                Page.address(pages()),
                protection,
                isPrivate() ? Sharing.PRIVATE : Sharing.SHARED,
                has(LOCKED));
    }
}
