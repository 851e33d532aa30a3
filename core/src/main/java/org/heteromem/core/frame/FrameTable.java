package org.heteromem.core.frame;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.wait.WaitPoint;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of all frames (Linux: struct page and its helpers), addressed by 64-bit frame number. Counts and flags
 * change atomically; index and anchor belong to whoever holds the page lock or the only reference. Thread-safe.
 *
 * <p>Long, because everything here is a short look at one frame's words, and most of it says what may be asked when.
 */
public final class FrameTable {
    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle ANCHOR = MethodHandles.arrayElementVarHandle(Object[].class);

    private static final int RECENT = 256;

    private volatile FrameRange[] ranges = {};
    /** Sections used of late; replaced whenever a range comes or goes, so that none outlives its range. */
    private volatile @Nullable Section[] recent = new Section[RECENT];

    private final PageWaits waits = new PageWaits(this);

    /**
     * Adds a run of frames.
     *
     * @param first number of the first frame
     * @param count how many
     * @param owner who they belong to
     * @return the run
     */
    public synchronized FrameRange add(long first, long count, FrameOwner owner) {
        FrameRange[] grown = Arrays.copyOf(ranges, ranges.length + 1);
        FrameRange range = new FrameRange(first, count, owner);
        grown[ranges.length] = range;
        ranges = grown;
        recent = new Section[RECENT];
        return range;
    }

    /**
     * Removes a run of frames that nobody refers to any more.
     *
     * @param range the run
     */
    public synchronized void remove(FrameRange range) {
        ranges = Arrays.stream(ranges).filter(r -> r != range).toArray(FrameRange[]::new);
        recent = new Section[RECENT];
    }

    /** {@return all runs of frames} */
    public FrameRange[] ranges() {
        return ranges.clone();
    }

    /**
     * {@return the run that holds a frame, or null (Linux: pfn_valid)}
     *
     * @param frame any frame number
     */
    public @Nullable FrameRange find(long frame) {
        for (FrameRange range : ranges) {
            if (range.contains(frame)) {
                return range;
            }
        }
        return null;
    }

    /**
     * {@return the run that holds a frame}
     *
     * @param frame a valid frame number
     */
    public FrameRange range(long frame) {
        Section known = recent[(int) (frame >>> FrameRange.SECTION_SHIFT) & (RECENT - 1)];
        if (known != null && known.contains(frame)) {
            return known.range;
        }
        FrameRange range = find(frame);
        if (range == null) {
            throw new MemoryException(Errno.EINVAL, "no memory has frame 0x" + Long.toHexString(frame));
        }
        return range;
    }

    private Section section(long frame) {
        Section section = sectionIfValid(frame);
        if (section == null) {
            throw new MemoryException(Errno.EINVAL, "no memory has frame 0x" + Long.toHexString(frame));
        }
        return section;
    }

    /** For who holds no reference: the memory of the frame may leave the machine at any time. */
    private @Nullable Section sectionIfValid(long frame) {
        // A racy look is sound: a section is immutable but for what it holds, and a frame of its range has no other.
        @Nullable Section[] now = recent;
        int slot = (int) (frame >>> FrameRange.SECTION_SHIFT) & (RECENT - 1);
        Section section = now[slot];
        if (section != null && section.contains(frame)) {
            return section;
        }
        FrameRange range = find(frame);
        if (range == null) {
            return null;
        }
        section = range.section(frame);
        now[slot] = section;
        return section;
    }

    // ---- bytes -------------------------------------------------------------------------------------------------

    /**
     * {@return the chunk that holds a frame's bytes, or null if they are not directly addressable}
     *
     * @param frame a frame
     */
    public @Nullable MemorySegment segment(long frame) {
        FrameRange range = range(frame);
        return range.owner.store().segment(range.offset(frame));
    }

    /**
     * {@return the offset of a frame's bytes within {@link #segment}}
     *
     * @param frame a frame
     */
    public long segmentOffset(long frame) {
        FrameRange range = range(frame);
        return range.offset(frame) & (range.owner.store().chunkBytes() - 1);
    }

    /**
     * Fills a frame with zeros.
     *
     * @param frame a frame that nobody else uses
     */
    public void zero(long frame) {
        FrameRange range = range(frame);
        range.owner.store().zero(range.offset(frame), Page.SIZE);
    }

    /**
     * Copies a frame.
     *
     * @param to a frame that nobody else uses
     * @param from a frame that nobody writes
     */
    public void copy(long to, long from) {
        copy(to, from, 1);
    }

    /**
     * Copies neighbouring frames of one owner to neighbouring frames of another.
     *
     * @param to the first frame that nobody else uses
     * @param from the first frame that nobody writes
     * @param count how many frames
     */
    public void copy(long to, long from, int count) {
        FrameRange target = range(to);
        FrameRange source = range(from);
        FrameStore store = target.owner.store();
        FrameStore origin = source.owner.store();
        long offset = target.offset(to);
        long originOffset = source.offset(from);
        long left = Page.address(count);
        while (left > 0) {
            // A store gives out its memory in chunks; a copy stays within one of either.
            long part = Math.min(
                    left,
                    Math.min(
                            store.chunkBytes() - (offset & (store.chunkBytes() - 1)),
                            origin.chunkBytes() - (originOffset & (origin.chunkBytes() - 1))));
            store.copyFrom(offset, origin, originOffset, part);
            offset += part;
            originOffset += part;
            left -= part;
        }
    }

    // ---- counts ------------------------------------------------------------------------------------------------

    /**
     * {@return the word of counts, to be read with {@link Frames}}
     *
     * @param frame a frame
     */
    public long counts(long frame) {
        return counts(section(frame), frame);
    }

    static long counts(Section s, long frame) {
        return (long) WORD.getVolatile(s.words, s.word(frame, Frames.COUNTS));
    }

    private long add(long frame, long delta) {
        Section s = section(frame);
        return (long) WORD.getAndAdd(s.words, s.word(frame, Frames.COUNTS), delta) + delta;
    }

    /**
     * Takes a reference where one is held already.
     *
     * @param frame a frame
     */
    public void get(long frame) {
        long counts = add(frame, Frames.REFERENCE);
        if (Frames.references(counts) <= 1) {
            throw new IllegalStateException("reference taken on free frame 0x" + Long.toHexString(frame));
        }
    }

    /**
     * {@return whether a reference could be taken: false on a free frame, or one that no memory has (any more)}
     *
     * @param frame any frame number
     */
    public boolean tryGet(long frame) {
        Section s = sectionIfValid(frame);
        if (s == null) {
            return false;
        }
        int at = s.word(frame, Frames.COUNTS);
        for (; ; ) {
            long counts = (long) WORD.getVolatile(s.words, at);
            int references = Frames.references(counts);
            if (references == 0 || references == Frames.MAX_REFERENCES) {
                return false;
            }
            if (WORD.weakCompareAndSet(s.words, at, counts, counts + Frames.REFERENCE)) {
                return true;
            }
        }
    }

    /**
     * Puts a reference; the last one frees the frame, which may call a device driver. Never under a page-table lock.
     *
     * @param frame a frame
     */
    public void put(long frame) {
        if (putIsLast(frame)) {
            range(frame).owner.lastReferenceGone(frame);
        }
    }

    /**
     * Puts a reference; if it was the last one, the frame is freed together with others.
     *
     * @param frame a frame
     * @param freed where it goes then; the caller gives back what is there
     */
    public void put(long frame, FreedFrames freed) {
        if (putIsLast(frame)) {
            freed.add(range(frame).owner, frame);
        }
    }

    private boolean putIsLast(long frame) {
        long counts = add(frame, -Frames.REFERENCE);
        if (Frames.references(counts) == Frames.MAX_REFERENCES) {
            throw new IllegalStateException("reference count of frame 0x" + Long.toHexString(frame) + " below zero");
        }
        if (Frames.references(counts) != 0) {
            return false;
        }
        if (counts != 0) {
            throw new IllegalStateException("frame 0x" + Long.toHexString(frame) + " freed with "
                    + Frames.mappings(counts) + " mappings and " + Frames.pins(counts) + " pins");
        }
        return true;
    }

    /**
     * {@return whether a pin and its reference could be taken}
     *
     * @param frame a frame on which a reference is held
     */
    public boolean tryPin(long frame) {
        Section s = section(frame);
        int at = s.word(frame, Frames.COUNTS);
        for (; ; ) {
            long counts = (long) WORD.getVolatile(s.words, at);
            if (Frames.references(counts) == 0 || Frames.pins(counts) == Frames.MAX_PINS) {
                return false;
            }
            if (WORD.weakCompareAndSet(s.words, at, counts, counts + Frames.REFERENCE + Frames.PIN)) {
                return true;
            }
        }
    }

    /**
     * Turns a pin with its reference back.
     *
     * @param frame a pinned frame
     */
    public void unpin(long frame) {
        add(frame, -Frames.PIN);
        put(frame);
    }

    /**
     * {@return the mappings of a frame}
     *
     * @param frame a frame
     */
    public int mappings(long frame) {
        return Frames.mappings(counts(frame));
    }

    /**
     * {@return the references to a frame}
     *
     * @param frame a frame
     */
    public int references(long frame) {
        return Frames.references(counts(frame));
    }

    /**
     * {@return the pins of a frame}
     *
     * @param frame a frame
     */
    public int pins(long frame) {
        return Frames.pins(counts(frame));
    }

    /**
     * Adds a mapping and the reference it holds.
     *
     * @param frame a frame on which a reference is held
     */
    public void addMapping(long frame) {
        add(frame, Frames.MAPPING + Frames.REFERENCE);
    }

    /**
     * Removes a mapping; the reference it held passes to the caller.
     *
     * @param frame a mapped frame
     */
    public void removeMappingKeepReference(long frame) {
        long counts = add(frame, -Frames.MAPPING);
        if (Frames.mappings(counts) == Frames.MAX_MAPPINGS) {
            throw new IllegalStateException("mapping count of frame 0x" + Long.toHexString(frame) + " below zero");
        }
    }

    /**
     * Turns a reference that the caller holds into a mapping.
     *
     * @param frame a frame
     */
    public void addMappingOwnReference(long frame) {
        add(frame, Frames.MAPPING);
    }

    // ---- flags, index, anchor ----------------------------------------------------------------------------------

    private long state(long frame) {
        return state(section(frame), frame);
    }

    private static long state(Section s, long frame) {
        return (long) WORD.getVolatile(s.words, s.word(frame, Frames.STATE));
    }

    /**
     * {@return whether all the given flags are set}
     *
     * @param frame a frame
     * @param flags of {@link Frames}
     */
    public boolean has(long frame, int flags) {
        return (state(frame) & flags) == flags;
    }

    /**
     * {@return all flags of a frame}
     *
     * @param frame a frame
     */
    public int flags(long frame) {
        return (int) (state(frame) & Frames.FLAG_MASK);
    }

    /**
     * {@return whether none of the flags was set before; sets them}
     *
     * @param frame a frame
     * @param flags of {@link Frames}
     */
    public boolean set(long frame, int flags) {
        Section s = section(frame);
        return ((long) WORD.getAndBitwiseOr(s.words, s.word(frame, Frames.STATE), (long) flags) & flags) == 0;
    }

    /**
     * {@return the flags before; clears the given ones}
     *
     * @param frame a frame
     * @param flags of {@link Frames}
     */
    public int clear(long frame, int flags) {
        Section s = section(frame);
        return (int)
                ((long) WORD.getAndBitwiseAnd(s.words, s.word(frame, Frames.STATE), ~(long) flags) & Frames.FLAG_MASK);
    }

    /**
     * {@return the page offset within the anchor}
     *
     * @param frame a frame
     */
    public long index(long frame) {
        return state(frame) >>> Frames.FLAG_BITS;
    }

    /**
     * {@return the reverse map's anchor, or null}
     *
     * @param frame a frame
     */
    public @Nullable Object anchor(long frame) {
        Section s = section(frame);
        return ANCHOR.getAcquire(s.anchors, (int) (frame - s.first));
    }

    /**
     * Says where a frame belongs (page->mapping and page->index).
     *
     * @param frame a frame that is locked or that nobody else can find
     * @param anchor the anchor, or null for none
     * @param index the page offset in it
     * @param setFlags flags to set with it
     * @param clearFlags flags to clear with it
     */
    public void place(long frame, @Nullable Object anchor, long index, int setFlags, int clearFlags) {
        Section s = section(frame);
        ANCHOR.setRelease(s.anchors, (int) (frame - s.first), anchor);
        int at = s.word(frame, Frames.STATE);
        for (; ; ) {
            long old = (long) WORD.getVolatile(s.words, at);
            long flags = (old & Frames.FLAG_MASK & ~(long) clearFlags) | setFlags;
            if (WORD.weakCompareAndSet(s.words, at, old, index << Frames.FLAG_BITS | flags)) {
                return;
            }
        }
    }

    /**
     * {@return word 2, owned by the LRU or the driver}
     *
     * @param frame a frame
     */
    public long links(long frame) {
        return links(section(frame), frame);
    }

    static long links(Section s, long frame) {
        return (long) WORD.getOpaque(s.words, s.word(frame, Frames.LINKS));
    }

    /**
     * Sets word 2.
     *
     * @param frame a frame
     * @param value the new value
     */
    public void setLinks(long frame, long value) {
        Section s = section(frame);
        WORD.setOpaque(s.words, s.word(frame, Frames.LINKS), value);
    }

    /**
     * Hands out a free frame: one reference, no mapping, given flags.
     *
     * @param frame a frame that is on no list
     * @param flags initial flags beside ALLOCATED
     */
    public void prepare(long frame, int flags) {
        Section s = section(frame);
        WORD.setOpaque(s.words, s.word(frame, Frames.STATE), (long) (flags | Frames.ALLOCATED));
        if (!WORD.compareAndSet(s.words, s.word(frame, Frames.COUNTS), 0L, Frames.REFERENCE)) {
            throw new IllegalStateException("frame 0x" + Long.toHexString(frame) + " handed out while in use");
        }
    }

    /**
     * Takes a frame that is given by its number: one reference, no mapping, given flags.
     *
     * @param frame a frame that is on no list
     * @param flags initial flags beside ALLOCATED
     * @return false if somebody has it or is just giving it back
     */
    public boolean claim(long frame, int flags) {
        Section s = section(frame);
        // A frame is free when its state is 0, which is the last thing that reset does: only then may counts be
        // written.
        if (!WORD.compareAndSet(s.words, s.word(frame, Frames.STATE), 0L, (long) (flags | Frames.ALLOCATED))) {
            return false;
        }
        WORD.setRelease(s.words, s.word(frame, Frames.COUNTS), Frames.REFERENCE);
        return true;
    }

    /**
     * {@return whether a frame was handed out, locked, and holds no page yet}. Who goes over frames by number may have taken
     * a reference in passing, so references are not counted.
     *
     * @param frame a frame
     */
    public boolean readied(long frame) {
        long counts = counts(frame);
        return Frames.references(counts) > 0
                && Frames.mappings(counts) == 0
                && has(frame, Frames.LOCKED | Frames.ALLOCATED)
                && !has(frame, Frames.COPY)
                && anchor(frame) == null;
    }

    /**
     * {@return whether a frame was {@link #readied}, belongs to some memory and was nobody's destination; it is one now}
     *
     * @param frame any frame number
     */
    public boolean claimDestination(long frame) {
        Section s = sectionIfValid(frame);
        return s != null && readied(frame) && set(frame, Frames.DESTINATION);
    }

    // ---- copies ------------------------------------------------------------------------------------------------

    /**
     * {@return the device's frame that holds a copy of a clean page in RAM, or 0}
     *
     * @param frame a frame of RAM
     */
    public long copyOf(long frame) {
        Section s = section(frame);
        long[] copies = s.copiesIfAny();
        return copies == null ? 0 : (long) WORD.getVolatile(copies, (int) (frame - s.first));
    }

    /**
     * {@return the page in RAM that a device's frame holds a copy of, or -1 if it holds none}
     *
     * @param copy a frame of a device
     */
    public long copiedFrom(long copy) {
        return copiedFrom(section(copy), copy);
    }

    static long copiedFrom(Section s, long copy) {
        long state = state(s, copy);
        return (state & Frames.COPY) == 0 ? -1 : state >>> Frames.FLAG_BITS;
    }

    /**
     * Makes a device's frame the copy of a page in RAM.
     *
     * @param frame a frame of RAM that has no copy, whose contents nobody can write
     * @param copy a frame with the same contents; one reference to it is the copy's from now on
     */
    public void setCopy(long frame, long copy) {
        place(
                copy,
                null,
                frame,
                Frames.COPY,
                Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY | Frames.REFERENCED | Frames.ACTIVE | Frames.BEHIND);
        Section s = section(frame);
        WORD.setRelease(s.copies(), (int) (frame - s.first), copy);
    }

    /**
     * {@return the copy of a page, which it has no longer, or 0}. The copy's reference is the caller's, who either goes on to
     * use the frame or calls {@link #dropCopy}.
     *
     * @param frame a frame of RAM
     */
    public long takeCopy(long frame) {
        Section s = section(frame);
        long[] copies = s.copiesIfAny();
        int at = (int) (frame - s.first);
        return copies == null || (long) WORD.getVolatile(copies, at) == 0 ? 0 : (long) WORD.getAndSet(copies, at, 0L);
    }

    /**
     * {@return whether a page had this copy; it has it no longer, and the reference is the caller's}
     *
     * @param frame what {@link #copiedFrom} said: the frame may be another page's by now, and its memory gone
     * @param copy a frame of a device
     */
    public boolean takeCopy(long frame, long copy) {
        FrameRange range = find(frame);
        Section s = range == null ? null : range.sectionIfAny(frame);
        if (s == null) {
            return false;
        }
        long[] copies = s.copiesIfAny();
        return copies != null && WORD.compareAndSet(copies, (int) (frame - s.first), copy, 0L);
    }

    /**
     * Throws away what {@link #takeCopy} gave; may call a device driver, so never under a page-table lock.
     *
     * @param copy the frame
     */
    public void dropCopy(long copy) {
        clear(copy, Frames.COPY);
        put(copy);
    }

    /** As {@link #reset}; {@return whether somebody waits for {@link #released}, and is to be woken} */
    boolean resetAwaited(long frame) {
        Section s = section(frame);
        ANCHOR.setRelease(s.anchors, (int) (frame - s.first), null);
        return ((long) WORD.getAndSet(s.words, s.word(frame, Frames.STATE), 0L) & Frames.WAITERS) != 0;
    }

    /** Clears WAITERS if a page is mapped; {@return whether one is} */
    boolean stopWaitingIfMapped(long frame) {
        Section s = sectionIfValid(frame);
        if (s == null || Frames.mappings(counts(s, frame)) == 0) {
            return false;
        }
        WORD.getAndBitwiseAnd(s.words, s.word(frame, Frames.STATE), ~(long) Frames.WAITERS);
        return true;
    }

    /**
     * A page was mapped after its frame was unlocked: wakes who began to wait in between.
     *
     * @param frame a frame, which may be free again
     */
    public void mapped(long frame) {
        Section s = sectionIfValid(frame);
        boolean awaited =
                s != null && ((long) WORD.getVolatile(s.words, s.word(frame, Frames.STATE)) & Frames.WAITERS) != 0;
        if (awaited && stopWaitingIfMapped(frame)) {
            wakeReleased(frame);
        }
    }

    void wakeReleased(long frame) {
        waits.wake(frame);
    }

    /**
     * Forgets all about a frame that has no reference left.
     *
     * @param frame a frame
     */
    public void reset(long frame) {
        Section s = section(frame);
        ANCHOR.setRelease(s.anchors, (int) (frame - s.first), null);
        // Nobody can find the frame before a list hands it out, which orders this.
        WORD.setRelease(s.words, s.word(frame, Frames.STATE), 0L);
    }

    // ---- page lock ---------------------------------------------------------------------------------------------

    /**
     * {@return whether the page lock was free and is now held}
     *
     * @param frame a frame
     */
    public boolean tryLock(long frame) {
        return set(frame, Frames.LOCKED);
    }

    /**
     * Releases the page lock and wakes whoever waits for it.
     *
     * @param frame a locked frame
     */
    public void unlock(long frame) {
        int before = clear(frame, Frames.LOCKED | Frames.WAITERS | Frames.DESTINATION);
        if ((before & Frames.LOCKED) == 0) {
            throw new IllegalStateException("frame 0x" + Long.toHexString(frame) + " unlocked but not locked");
        }
        if ((before & Frames.WAITERS) != 0) {
            waits.wake(frame);
        }
    }

    /** Sets WAITERS if the frame has one of the given flags; false if it has not, or no memory has it any more. */
    boolean flagWaiting(long frame, int flags) {
        Section s = sectionIfValid(frame);
        if (s == null) {
            return false;
        }
        int at = s.word(frame, Frames.STATE);
        for (; ; ) {
            long state = (long) WORD.getVolatile(s.words, at);
            if ((state & flags) == 0) {
                return false;
            }
            if (WORD.weakCompareAndSet(s.words, at, state, state | Frames.WAITERS)) {
                return true;
            }
        }
    }

    /**
     * {@return what ends when the frame's page lock is released}
     *
     * @param frame a frame
     */
    public WaitPoint unlocked(long frame) {
        return action -> waits.whenUnlocked(frame, action);
    }

    /**
     * {@return what ends when a frame of homed memory is free, or a page is mapped there again}
     *
     * @param frame a frame
     */
    public WaitPoint released(long frame) {
        return action -> waits.whenReleased(frame, action);
    }

    /** Sees the metadata of a frame. */
    @FunctionalInterface
    public interface FrameVisitor {
        /**
         * Sees a frame.
         *
         * @param frame the frame
         * @param counts the word of counts, to be read with {@link Frames}
         * @param flags of {@link Frames}
         */
        void frame(long frame, long counts, int flags);
    }

    /**
     * For the state checker: shows every frame of a range of which metadata exists.
     *
     * @param range the range
     * @param visitor what is called for each
     */
    public void forEachFrame(FrameRange range, FrameVisitor visitor) {
        for (long at = range.first; at < range.first + range.count; at += FrameRange.SECTION_FRAMES) {
            Section s = range.sectionIfAny(at);
            if (s == null) {
                continue;
            }
            for (int i = 0; i < s.anchors.length; i++) {
                long counts = (long) WORD.getVolatile(s.words, i * Frames.WORDS + Frames.COUNTS);
                long state = (long) WORD.getVolatile(s.words, i * Frames.WORDS + Frames.STATE);
                visitor.frame(at + i, counts, (int) (state & Frames.FLAG_MASK));
            }
        }
    }

    /** {@return bytes of metadata that exist, for measuring} */
    public long metadataBytes() {
        long sections = 0;
        for (FrameRange range : ranges) {
            sections += range.sectionsInUse();
        }
        return sections * FrameRange.SECTION_FRAMES * Frames.BYTES;
    }
}
