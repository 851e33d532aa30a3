package org.heteromem.core.space;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.event.Counter;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.Failures;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.FreedFrames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mmu.PageMoves;
import org.jspecify.annotations.Nullable;

/**
 * Moves a set of pages: collect, unmap, (the driver copies), move identity, map (Linux: migrate_device.c). Pages are tried
 * one by one: what cannot move stays, mapped with exactly the rights it had, and the others go.
 *
 * <p>What makes it safe against everybody else:
 *
 * <ul>
 *   <li>the page lock of every collected page is held from collect to finish; it is only ever tried, so two migrations of
 *       overlapping ranges pass each other page by page and never wait for each other;
 *   <li>a migration entry stands wherever the page was mapped, so every touch waits for the page lock;
 *   <li>after the entries are in place {@link org.heteromem.core.mmu.Mmu#stopWriters} returns only when no store is under
 *       way, so the copy is complete;
 *   <li>references are counted after that: one more than expected means that somebody outside holds the page, and it stays.
 * </ul>
 *
 * An instance is used by one thread at a time, and again for another migration once {@link #finish} has returned: a page fault
 * that brings a page home shall allocate nothing. Long, because all steps work on the same three arrays; what could go elsewhere is in
 * {@link MigrationCollector}, {@link MigrationEntries}, {@link LruBatches} and {@link MigrationReport}.
 */
public final class PageMigration implements PageMoves {
    /** The source entry names a page. */
    public static final long VALID = 1;
    /** The page (or hole) may move; clear after {@link #movePages} if it did not. */
    public static final long MIGRATE = 1 << 1;
    /** The page may be written by its process. */
    public static final long WRITE = 1 << 3;
    /** Where the frame number starts. */
    public static final int FRAME_SHIFT = 6;

    /** Take pages in RAM, and the zero page. */
    public static final int SELECT_SYSTEM = 1;
    /** Take pages in the owner's private memory. */
    public static final int SELECT_DEVICE_PRIVATE = 1 << 1;
    /** Take pages in the owner's coherent memory. */
    public static final int SELECT_DEVICE_COHERENT = 1 << 2;

    /** Mapped nowhere but in this range: entries can be put back without a reverse walk. */
    static final byte SOLE = 1;
    /** Taken off its LRU. */
    private static final byte ISOLATED = 1 << 1;
    /** The contents are gone. */
    private static final byte LOST = 1 << 2;

    /** Its process has it for itself. */
    static final byte EXCLUSIVE = 1 << 3;
    /** The process could access it until it was taken. */
    static final byte MAPPED = 1 << 4;
    /** The frame it leaves stays its copy. */
    private static final byte KEPT = 1 << 5;
    /** It goes to the frame that holds its copy. */
    private static final byte REUSED = 1 << 6;

    /** A new frame that is a page's destination from the start. */
    private static final int FOR_MOVE = Frames.LOCKED | Frames.DESTINATION;

    /** Room that one has which is used again; larger ones are not. */
    private static final int KEPT_PAGES = 512;

    private final Machine machine;
    final FrameTable frames;
    private final MigrationCollector collector;
    private final LruBatches lru;
    private final FreedFrames freed = new FreedFrames();

    private @Nullable Mm mm;
    private @Nullable Vma area;
    private long start;
    private int count;
    final long[] sources;
    private final long[] destinations;
    final byte[] states;

    @Nullable
    Object owner;

    /** The page that a fault holds locked and referenced, or -1. */
    long faultFrame;

    private int collected;
    private int moved;
    /** Whether {@link #movePages} or {@link #giveUp} has said which pages go. */
    private boolean decided;
    /** Of a move by frame that somebody listens to. */
    private @Nullable MigrationReport report;

    private PageMigration(Machine machine, int room) {
        this.machine = machine;
        this.frames = machine.frames;
        this.sources = new long[room];
        this.destinations = new long[room];
        this.states = new byte[room];
        this.collector = new MigrationCollector(this, machine);
        this.lru = new LruBatches(frames);
    }

    private static PageMigration begin(
            Machine machine,
            @Nullable Mm mm,
            @Nullable Vma area,
            long start,
            int count,
            @Nullable Object owner,
            long faultFrame) {
        PageMigration spare = count <= KEPT_PAGES ? machine.spareMigrations.take() : null;
        PageMigration migration = spare == null ? new PageMigration(machine, Math.max(count, KEPT_PAGES)) : spare;
        migration.count = count;
        migration.mm = mm;
        migration.area = area;
        migration.start = start;
        migration.owner = owner;
        migration.faultFrame = faultFrame;
        return migration;
    }

    /** Nobody refers to it any more, it refers to nothing that may go, and it is as good as new. */
    private void giveBack() {
        if (sources.length != KEPT_PAGES) {
            return;
        }
        Arrays.fill(sources, 0, count, 0);
        Arrays.fill(destinations, 0, count, 0);
        Arrays.fill(states, 0, count, (byte) 0);
        mm = null;
        area = null;
        owner = null;
        report = null;
        collected = 0;
        moved = 0;
        decided = false;
        machine.spareMigrations.give(this);
    }

    /**
     * Collects and unmaps a range. The address space's lock is held, shared, until {@link #finish}.
     *
     * @param mm whose address space
     * @param start first page
     * @param count how many pages
     * @param select which pages to take
     * @param owner whose device pages, and who is told of nothing; or null
     * @param faultFrame the page that a fault holds locked and referenced, or -1
     * @return the migration, or null if the range is not inside one area
     */
    public static @Nullable PageMigration ofRange(
            Mm mm, long start, int count, int select, @Nullable Object owner, long faultFrame) {
        Vma area = mm.areas.find(start);
        if (area == null || start + count > area.end) {
            return null;
        }
        PageMigration migration = begin(mm.machine(), mm, area, start, count, owner, faultFrame);
        boolean unmapped = false;
        try {
            mm.notifyStart(Invalidation.Reason.MIGRATE, start, count, owner);
            try {
                migration.collected = migration.collector.collect(mm, area, select);
                migration.collector.stopWriters(mm);
            } finally {
                mm.notifyEnd();
            }
            migration.unmap();
            unmapped = true;
        } finally {
            if (!unmapped) {
                // Nobody else knows which pages were taken.
                migration.finish();
            }
        }
        return migration;
    }

    /**
     * Collects and unmaps pages by their frames, wherever they are mapped; free and locked ones are passed over. Needs no
     * address space's lock.
     *
     * @param machine the machine
     * @param frames frame numbers
     * @return the migration
     */
    public static PageMigration ofFrames(Machine machine, long[] frames) {
        PageMigration migration = begin(machine, null, null, 0, frames.length, null, -1);
        boolean unmapped = false;
        try {
            for (int i = 0; i < frames.length; i++) {
                migration.collectFrame(i, frames[i]);
            }
            migration.unmap();
            unmapped = true;
        } finally {
            if (!unmapped) {
                migration.finish();
            }
        }
        return migration;
    }

    private void collectFrame(int i, long frame) {
        if (frame == machine.zeroFrame || !frames.tryGet(frame)) {
            return;
        }
        if (!frames.tryLock(frame)) {
            frames.put(frame);
            return;
        }
        sources[i] = frame << FRAME_SHIFT | VALID | MIGRATE;
        collected++;
    }

    // ---- unmap -------------------------------------------------------------------------------------------------

    /** Puts what stays back on its LRU and what arrived in RAM on one, while references still hold both. */
    private void putOnLru() {
        try {
            for (int i = 0; i < count; i++) {
                boolean page = (sources[i] & VALID) != 0;
                if ((sources[i] & MIGRATE) == 0) {
                    if (page && (states[i] & (ISOLATED | LOST)) == ISOLATED) {
                        add(source(i));
                    }
                    continue;
                }
                if (destinations[i] != 0) {
                    add(destinations[i]);
                }
                if (page && lru.of(source(i)) instanceof HomedNode homed) {
                    homed.lruEvicted(source(i));
                }
            }
        } finally {
            lru.end();
        }
    }

    private void add(long frame) {
        LruNode node = lru.of(frame);
        if (node != null) {
            node.lruAddInBatch(frame);
        }
    }

    private void isolate() {
        try {
            for (int i = 0; i < count; i++) {
                if ((sources[i] & VALID) == 0) {
                    continue;
                }
                LruNode node = lru.of(source(i));
                if (node == null || node.lruIsolateInBatch(source(i))) {
                    states[i] |= ISOLATED;
                }
            }
        } finally {
            lru.end();
        }
    }

    private void unmap() {
        isolate();
        for (int i = 0; i < count; i++) {
            if ((sources[i] & VALID) == 0) {
                continue;
            }
            long frame = source(i);
            boolean movable = (states[i] & ISOLATED) != 0;
            if (movable) {
                if ((states[i] & SOLE) == 0) {
                    ReverseMap.unmapForMigration(machine, frame);
                }
                movable = movable(frame);
            }
            if (!movable) {
                restore(i, frame);
            }
        }
    }

    /**
     * Whether it is worth a try. For device memory one reference more is let pass, as in Linux, where those who wait for the
     * end of a migration take one for a moment; {@link #moveIdentity} is strict.
     */
    private boolean movable(long frame) {
        long more = frames.counts(frame) - expectedCounts(frame);
        return more == 0 || (more == 1 && frames.range(frame).owner.isDevice());
    }

    /** The counts that a page has when nobody outside refers to it: unmapped, unpinned, known to us and those we know. */
    private long expectedCounts(long frame) {
        long references = 1;
        if (frame == faultFrame) {
            references++;
        }
        if (!frames.has(frame, Frames.ANON) && frames.anchor(frame) instanceof SharedObject) {
            references++;
        }
        return references;
    }

    private void restore(int i, long frame) {
        sources[i] = 0;
        collected--;
        try {
            ReverseMap.restore(machine, frame, frame);
        } finally {
            if ((states[i] & ISOLATED) != 0) {
                machine.lruAdd(frame);
            }
            if (frame != faultFrame) {
                frames.unlock(frame);
            }
            frames.put(frame);
        }
    }

    /** Unlocks a source and puts the migration's reference. */
    private void letGo(long frame) {
        if (frame != faultFrame) {
            frames.unlock(frame);
        }
        frames.put(frame, freed);
    }

    /**
     * Names one address at which a page is mapped.
     *
     * @param i which; not a hole
     * @param visitor called at most once
     */
    public void mapping(int i, ReverseMap.MappingVisitor visitor) {
        ReverseMap.anyMapping(machine, source(i), visitor);
    }

    // ---- what the driver sees ----------------------------------------------------------------------------------

    /** {@return how many pages the set has} */
    @Override
    public int count() {
        return count;
    }

    /** {@return how many of them can move} */
    public int collected() {
        return collected;
    }

    /** {@return how many moved, after {@link #movePages}} */
    public int moved() {
        return moved;
    }

    /**
     * {@return a source entry}
     *
     * @param i which
     */
    public long entry(int i) {
        return sources[Objects.checkIndex(i, count)]; // there may be room for more, of another migration
    }

    /**
     * {@return the frame that a page lives in}
     *
     * @param i which
     */
    public long source(int i) {
        return entry(i) >>> FRAME_SHIFT;
    }

    /**
     * {@return the destination frame, or 0}
     *
     * @param i which
     */
    public long destination(int i) {
        return destinations[Objects.checkIndex(i, count)];
    }

    /** {@return whether it names a page, and not a hole} */
    boolean isPage(int i) {
        return (sources[i] & VALID) != 0;
    }

    /** {@return whether it may go, and after {@link #movePages} whether it went} */
    boolean goes(int i) {
        return (sources[i] & MIGRATE) != 0;
    }

    boolean isLost(int i) {
        return (states[i] & LOST) != 0;
    }

    /**
     * {@return whether a node belongs to this machine}
     *
     * @param node any node
     */
    public boolean owns(RamNode node) {
        return machine.nodes().contains(node);
    }

    /** {@return the first page, for a migration of a range} */
    @Override
    public long firstPage() {
        return start;
    }

    @Override
    public long from(int i) {
        return source(i);
    }

    @Override
    public long to(int i) {
        return (sources[i] & MIGRATE) != 0 ? destinations[i] : (states[i] & LOST) != 0 ? 0 : source(i);
    }

    @Override
    public boolean writable(int i) {
        if ((sources[i] & VALID) == 0) {
            return area != null && area.protection.writable();
        }
        return (sources[i] & WRITE) != 0 && (states[i] & KEPT) == 0;
    }

    /**
     * Lets the frame that a page leaves stay as its copy: the page will be clean, and its process's first store to it faults.
     *
     * @param i which; with a destination
     * @return false if that cannot be: the page is not on its way home from private memory, or not one process's alone
     */
    public boolean keepSource(int i) {
        boolean possible = mm != null
                && (entry(i) & (VALID | MIGRATE)) == (VALID | MIGRATE)
                && (states[i] & (SOLE | EXCLUSIVE | LOST)) == (SOLE | EXCLUSIVE)
                && destinations[i] != 0
                && !frames.range(source(i)).owner.cpuAddressable()
                && frames.range(destinations[i]).owner instanceof LruNode;
        if (possible) {
            states[i] |= KEPT;
        }
        return possible;
    }

    /**
     * {@return whether the frame that a page leaves stays as its copy}
     *
     * @param i which
     */
    public boolean keepsSource(int i) {
        return (states[i] & KEPT) != 0 && (sources[i] & MIGRATE) != 0;
    }

    /**
     * Sends a page to the frame that holds its copy.
     *
     * @param i which; without a destination
     * @param device whose frame it must be
     * @return the frame, or 0 if the page has no copy there
     */
    public long reuseCopy(int i, DeviceFrames device) {
        if ((sources[i] & (VALID | MIGRATE)) != (VALID | MIGRATE)
                || frames.range(source(i)).owner.isDevice()) {
            return 0;
        }
        long page = source(i);
        long copy = frames.copyOf(page);
        // The numbers of a device that was removed can be another one's.
        if (copy == 0 || device.removed() || !device.memory().contains(copy) || !frames.takeCopy(page, copy)) {
            return 0;
        }
        if (!frames.tryLock(copy)) {
            // Somebody goes over the device's frames just now.
            frames.dropCopy(copy);
            return 0;
        }
        frames.place(copy, null, 0, 0, Frames.COPY);
        setDestination(i, copy);
        states[i] |= REUSED;
        return copy;
    }

    private void keepCopies() {
        for (int i = 0; i < count; i++) {
            if (keepsSource(i)) {
                // The migration's own reference is needed until the page is unlocked.
                frames.get(source(i));
                frames.setCopy(destinations[i], source(i));
            }
        }
    }

    /**
     * Says where a page goes.
     *
     * @param i which
     * @param frame a locked frame with one reference, which the migration takes over
     * @throws MemoryException EINVAL for any other frame: taking it over would break whoever it belongs to
     */
    public void setDestination(int i, long frame) {
        if (!frames.claimDestination(frame)) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "frame 0x" + Long.toHexString(frame) + " cannot be the destination of page " + i
                            + ": it must be a free frame that was readied, and be named once");
        }
        destinations[i] = frame;
    }

    /**
     * Takes a destination away again and gives its frame back.
     *
     * @param i which
     */
    public void decline(int i) {
        long to = destination(i);
        if (to != 0) {
            destinations[i] = 0;
            frames.unlock(to);
            frames.put(to);
        }
    }

    /**
     * Notes that a page's contents are gone: every touch will fail.
     *
     * @param i which
     */
    public void markLost(int i) {
        states[i] |= LOST;
    }

    /**
     * Sends a page to a new frame of RAM.
     *
     * @param i which; without a destination
     * @param node where, or null for the nearest; a page of homed memory can go to one frame only
     * @return false if there is no frame
     */
    public boolean allocateRam(int i, @Nullable RamNode node) {
        long frame = area == null
                ? allocateAnywhere(i, node)
                : area.homed == null ? allocate(node) : take(area.homed, start + i, i);
        if (frame == RamNode.NONE) {
            return false;
        }
        destinations[i] = frame;
        return true;
    }

    /**
     * Sends all pages that can move, and no holes, to new frames of RAM, as many as there are frames for.
     *
     * @return how many
     */
    public int allocateRam() {
        HomedNode homed = area == null ? null : area.homed;
        if (homed == null) {
            int made = 0;
            for (int i = 0; i < count; i++) {
                if (wantsFrame(i)) {
                    if (allocateRam(i, null)) {
                        made++;
                    } else if (area != null) {
                        break;
                    }
                    // Of pages that were taken by their frames each may have a home of its own.
                }
            }
            return made;
        }
        int wanted = 0;
        for (int i = 0; i < count; i++) {
            // Before the charge: others would believe that RAM is full.
            wanted += wantsFrame(i) && homed.isFree(start + i) ? 1 : 0;
        }
        int charged = homed.charge(wanted);
        int taken = 0;
        try {
            for (int i = 0; taken < charged && i < count; i++) {
                long frame = wantsFrame(i) ? homed.takeCharged(start + i, FOR_MOVE) : HomedNode.BUSY;
                if (frame != HomedNode.BUSY) {
                    destinations[i] = frame;
                    taken++;
                }
            }
        } finally {
            homed.settle(charged, taken);
        }
        return taken;
    }

    private boolean wantsFrame(int i) {
        return (sources[i] & (VALID | MIGRATE)) == (VALID | MIGRATE) && destinations[i] == 0;
    }

    private long allocateAnywhere(int i, @Nullable RamNode node) {
        long[] page = {0};
        HomedNode homed = (sources[i] & VALID) != 0 ? ReverseMap.home(machine, source(i), at -> page[0] = at) : null;
        return homed == null ? allocate(node) : take(homed, page[0], i);
    }

    private long take(HomedNode homed, long page, int i) {
        long frame = homed.take(page, FOR_MOVE, (sources[i] & VALID) != 0);
        return frame == HomedNode.BUSY ? RamNode.NONE : frame;
    }

    private long allocate(@Nullable RamNode node) {
        return node == null ? machine.allocateRamForMove(FOR_MOVE) : node.allocate(FOR_MOVE);
    }

    /**
     * Copies a page's bytes to its destination, zeros for a hole.
     *
     * @param i which
     */
    public void copy(int i) {
        if ((sources[i] & VALID) != 0) {
            frames.copy(destinations[i], source(i));
        } else {
            frames.zero(destinations[i]);
        }
    }

    /** Copies every page that has a destination, neighbours in one go. */
    public void copyAll() {
        for (int i = 0; i < count; ) {
            if (destinations[i] == 0 || (states[i] & LOST) != 0) {
                i++;
            } else if ((sources[i] & VALID) == 0) {
                copy(i++);
            } else {
                int run = 1;
                while (i + run < count
                        && (sources[i + run] & VALID) != 0
                        && source(i + run) == source(i) + run
                        && destinations[i + run] == destinations[i] + run) {
                    run++;
                }
                frames.copy(destinations[i], source(i), run);
                i += run;
            }
        }
    }

    // ---- move --------------------------------------------------------------------------------------------------

    /** Moves the identity of every page that has a destination (migrate_vma_pages). */
    public void movePages() {
        if (mm == null && machine.listening()) {
            // While the pages are still found by their source frames.
            report = MigrationReport.withHomes(this, machine);
        }
        decided = true;
        Mm notified = null;
        int at = 0;
        try {
            for (; at < count; at++) {
                if ((sources[at] & MIGRATE) == 0) {
                    continue;
                }
                boolean goes = destinations[at] != 0 && (states[at] & LOST) == 0;
                if (goes && (sources[at] & VALID) == 0 && notified == null && mm != null) {
                    mm.notifyStart(Invalidation.Reason.MIGRATE, start + at, count - at, owner);
                    notified = mm;
                }
                if (goes && ((sources[at] & VALID) == 0 ? insert(at) : moveIdentity(at))) {
                    moved++;
                } else {
                    sources[at] &= ~MIGRATE;
                }
            }
        } finally {
            // Whatever was thrown, what was not reached stays.
            for (; at < count; at++) {
                sources[at] &= ~MIGRATE;
            }
            if (notified != null) {
                notified.notifyEnd();
            }
        }
    }

    private boolean moveIdentity(int i) {
        long from = source(i);
        long to = destinations[i];
        long expected = expectedCounts(from);
        boolean anon = frames.has(from, Frames.ANON);
        if (!anon && frames.range(to).owner.isDevice()) {
            return false;
        }
        // Not the list: where a page was active its shadow says so, and whoever brings it home hears what follows from
        // that.
        int carried = frames.flags(from) & (Frames.ANON | Frames.DIRTY | Frames.REFERENCED);
        if ((states[i] & KEPT) != 0) {
            carried &= ~Frames.DIRTY;
        }
        if (anon) {
            if (frames.counts(from) != expected) {
                return false;
            }
            int exclusive = (states[i] & (SOLE | EXCLUSIVE)) == (SOLE | EXCLUSIVE) ? Frames.ANON_EXCLUSIVE : 0;
            frames.place(to, frames.anchor(from), frames.index(from), carried | exclusive, 0);
            return true;
        }
        if (!(frames.anchor(from) instanceof SharedObject shared)) {
            return false;
        }
        long index = frames.index(from);
        frames.place(to, shared, index, carried, 0);
        if (!shared.replacePage(frames, index, from, to, expected)) {
            frames.place(to, null, 0, 0, carried);
            return false;
        }
        frames.put(from);
        return true;
    }

    /** Puts a page where there was none, or only the zero page (migrate_vma_insert_page). */
    private boolean insert(int i) {
        if (mm == null || area == null) {
            return false;
        }
        AnonVma anchor = mm.prepareAnon(area);
        long page = start + i;
        long frame = destinations[i];
        PageTableLeaf leaf = mm.pageTable.leafOrMake(page);
        boolean present = frames.range(frame).owner.cpuAddressable();
        long write = area.protection.writable() ? PteLayout.WRITE : 0;
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            boolean zero = PteLayout.kind(entry) == PteLayout.PRESENT && PteLayout.frame(entry) == machine.zeroFrame;
            if (entry != 0 && !zero) {
                return false;
            }
            if (zero) {
                leaf.exchange(page, 0);
                mm.mmu().revoke(page);
            }
            frames.place(frame, anchor, area.index(page), Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY, 0);
            frames.addMapping(frame);
            leaf.set(
                    page,
                    present
                            ? PteLayout.make(PteLayout.PRESENT, frame, area.entryBits() | write)
                            : PteLayout.make(PteLayout.DEVICE_PRIVATE, frame, write));
            mm.rssAnon.getAndIncrement();
            return true;
        } finally {
            leaf.lock.unlock();
        }
    }

    /** Leaves every page where it is, but for those that were declared lost. */
    public void giveUp() {
        decided = true;
        for (int i = 0; i < count; i++) {
            sources[i] &= ~MIGRATE;
        }
    }

    // ---- finish ------------------------------------------------------------------------------------------------

    /**
     * Maps what moved at its new place and what did not at its old one, and lets everything go (migrate_vma_finalize),
     * whatever is thrown meanwhile: nobody else could. Afterwards it is somebody else's.
     */
    public void finish() {
        if (!decided) {
            giveUp();
        }
        List<MemoryEvent> happened = List.of();
        try {
            // Named while nobody can remove the memory that the pages leave.
            if (machine.listening()) {
                happened = report().events();
            }
            putOnLru();
        } finally {
            mapAndLetGo();
        }
        machine.counters.add(Counter.PGMIGRATE_SUCCESS, moved);
        machine.counters.add(Counter.PGMIGRATE_FAIL, collected - moved);
        if (!happened.isEmpty()) {
            happened.forEach(event -> machine.emit(() -> event));
        }
        giveBack();
    }

    private void mapAndLetGo() {
        Throwable failed = null;
        keepCopies();
        if (mm != null && area != null) {
            if (collected > 0) {
                try {
                    mm.mmu().relocate(this);
                } catch (RuntimeException | Error e) {
                    failed = e;
                }
            }
            unlockArrived();
            putBackInPlace(mm, area);
            if (area.homed != null) {
                wakeWhoWaits();
            }
        }
        // Backwards, so that free lists, which hand out last what came first, give neighbouring frames in order again.
        for (int i = count - 1; i >= 0; i--) {
            try {
                finishPage(i);
            } catch (RuntimeException | Error e) {
                failed = failed == null ? e : failed;
            }
        }
        try {
            freed.giveBack();
        } catch (RuntimeException | Error e) {
            failed = failed == null ? e : failed;
        }
        Failures.rethrow(failed);
    }

    private MigrationReport report() {
        return report == null ? new MigrationReport(this, machine, mm) : report;
    }

    /** {@return whether a page arrived that is mapped only here, so that its mapping gets the reference we hold} */
    private boolean arrivedSole(int i) {
        return (sources[i] & (VALID | MIGRATE)) == (VALID | MIGRATE) && (states[i] & SOLE) != 0;
    }

    /**
     * Lets go of the destinations whose only reference goes to their mapping. Once mapped they are the process's: a store to
     * a read-only page may copy it and free this frame at once.
     */
    private void unlockArrived() {
        for (int i = 0; i < count; i++) {
            if (arrivedSole(i)) {
                frames.unlock(destinations[i]);
            }
        }
    }

    /** For a frame of homed memory that was held after its page was thrown away somebody may have begun to wait just now. */
    private void wakeWhoWaits() {
        for (int i = 0; i < count; i++) {
            if (arrivedSole(i)) {
                frames.mapped(destinations[i]);
            }
        }
    }

    /** Pages that are mapped only here: entries by the leaf, without reverse walks. */
    private void putBackInPlace(Mm mm, Vma area) {
        long end = start + count;
        for (long page = start; page < end; page = PageTable.leafEnd(page)) {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                continue;
            }
            long stop = Math.min(end, PageTable.leafEnd(page));
            leaf.lock.lock();
            try {
                for (long p = page; p < stop; p++) {
                    int i = (int) (p - start);
                    if ((sources[i] & VALID) != 0 && (states[i] & (SOLE | LOST)) == SOLE) {
                        if ((sources[i] & MIGRATE) == 0) {
                            frames.get(source(i));
                        }
                        MigrationEntries.remove(frames, area, leaf, p, entryBack(i, area, leaf.get(p)), target(i));
                    }
                }
            } finally {
                leaf.lock.unlock();
            }
        }
    }

    /** A page that is its own copy's again was made read-only for that only. */
    private long entryBack(int i, Vma area, long entry) {
        if (keepsSource(i)) {
            return MigrationEntries.readOnly(entry);
        }
        boolean restore = (sources[i] & MIGRATE) != 0 && (states[i] & REUSED) != 0 && area.protection.writable();
        return restore ? entry | PteLayout.WRITE : entry;
    }

    private long target(int i) {
        return (sources[i] & MIGRATE) != 0 ? destinations[i] : source(i);
    }

    private void finishPage(int i) {
        if ((sources[i] & VALID) != 0) {
            long frame = source(i);
            try {
                if ((states[i] & LOST) != 0) {
                    ReverseMap.markLost(machine, frame);
                } else if ((states[i] & SOLE) == 0) {
                    ReverseMap.restore(machine, frame, target(i));
                }
            } finally {
                letGoOf(i, frame);
            }
        } else {
            letGoOf(i, 0);
        }
    }

    private void letGoOf(int i, long from) {
        try {
            if (from != 0) {
                letGo(from);
            }
        } finally {
            long to = destinations[i];
            if (to != 0 && !arrivedSole(i)) {
                frames.unlock(to);
                frames.put(to);
            }
        }
    }
}
