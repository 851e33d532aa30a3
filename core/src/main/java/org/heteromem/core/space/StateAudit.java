package org.heteromem.core.space;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.heteromem.core.Page;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.inspect.Rule;
import org.heteromem.core.inspect.Violation;
import org.heteromem.core.memory.ResourceMap;
import org.heteromem.core.mmu.SoftwareMmu;
import org.heteromem.core.policy.PageList;
import org.jspecify.annotations.Nullable;

/**
 * One check of the whole state; see {@link org.heteromem.core.inspect.StateChecker}. First the page tables of all processes
 * are walked and counted, then every frame is held against what was counted. Only at a quiet point.
 *
 * <p>Cheap where little is mapped: it looks at tables, sections and lists that exist, and makes none.
 */
public final class StateAudit {
    /** A report of thousands of lines helps nobody. */
    private static final int MOST_VIOLATIONS = 100;
    /** What only a frame on an LRU list has. */
    private static final int OF_LISTS = Frames.LRU | Frames.ACTIVE | Frames.BEHIND | Frames.WATCHED | Frames.IDLE;

    private final Machine machine;
    private final FrameTable frames;
    private final ResourceMap resources;
    private final List<Violation> violations = new ArrayList<>();
    private final FrameTally tally;
    private final HomedAudit homed;
    private final MirrorAudit mirrors;
    private final Set<Anchor> anchors = Collections.newSetFromMap(new IdentityHashMap<>());
    private final IdentityHashMap<SharedObject, Integer> objects = new IdentityHashMap<>();

    /**
     * Prepares a check.
     *
     * @param machine whose state
     * @param resources the map of its physical addresses
     */
    public StateAudit(Machine machine, ResourceMap resources) {
        this.machine = machine;
        this.frames = machine.frames;
        this.resources = resources;
        this.tally = new FrameTally(frames.ranges());
        this.homed = new HomedAudit(frames, this::report);
        this.mirrors = new MirrorAudit(frames, this::report);
        held(machine.zeroFrame, false);
    }

    /**
     * Accounts for a reference from outside.
     *
     * @param frame the frame
     * @param pin whether it is a pin
     */
    public void held(long frame, boolean pin) {
        if (!tally.hold(frame, pin)) {
            report(Rule.REFERENCE_COUNT, "a reference is said to be held on 0x" + hex(frame) + ", which no memory has");
        }
    }

    /** {@return what is wrong} */
    public List<Violation> violations() {
        return List.copyOf(violations);
    }

    private void report(Rule rule, String detail) {
        if (violations.size() < MOST_VIOLATIONS) {
            violations.add(new Violation(rule, detail));
        }
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }

    static String where(Mm mm, long page) {
        return "process " + mm.id() + " page " + FaultHandler.at(page);
    }

    /** Checks all but mirrors. */
    public void run() {
        for (Mm mm : machine.spaces()) {
            checkAreas(mm);
            checkTable(mm);
            checkTranslations(mm);
            if (!mm.unlocked()) {
                report(Rule.LOCK_HELD, "the lock of process " + mm.id());
            }
            if (!mm.notifiers().quiet()) {
                report(Rule.NOTIFIER, "an invalidation of process " + mm.id() + " has not ended");
            }
        }
        anchors.forEach(this::checkAnchor);
        objects.forEach(this::checkObject);
        FrameRange[] ranges = frames.ranges();
        for (FrameRange range : ranges) {
            checkRange(range);
        }
        homed.checkBudgets(ranges);
        checkResources(ranges);
        checkZeroPage();
    }

    // ---- processes ---------------------------------------------------------------------------------------------

    private void checkAreas(Mm mm) {
        long end = 0;
        for (Vma area : mm.areas.all()) {
            if (area.start >= area.end || area.start < end || area.mm != mm) {
                report(
                        Rule.AREA,
                        where(mm, area.start) + ": the area overlaps another, is empty or not of this process");
            }
            end = area.end;
            SharedObject shared = area.shared;
            if (shared != null) {
                objects.merge(shared, 1, Integer::sum);
                anchors.add(shared);
                if (!shared.areas.contains(area)) {
                    report(Rule.ANCHOR, where(mm, area.start) + ": its shared object does not list the area");
                }
            }
            if (area.anonVma != (area.chain.isEmpty() ? null : area.chain.get(0))) {
                report(Rule.AREA, where(mm, area.start) + ": the area's own anchor is not the first of its chain");
            }
            for (AnonVma anchor : area.chain) {
                anchors.add(anchor);
                if (!anchor.areas.contains(area)) {
                    report(Rule.ANCHOR, where(mm, area.start) + ": an anchor of its chain does not list the area");
                }
            }
        }
    }

    private void checkTable(Mm mm) {
        Vma[] all = mm.areas.all();
        long[] resident = {0, 0};
        int[] at = {0};
        mm.pageTable.forEachLeaf(leaf -> {
            if (!leaf.unlocked()) {
                report(Rule.LOCK_HELD, "the page-table lock of " + where(mm, leaf.firstPage));
            }
            for (long page = leaf.firstPage; page < leaf.firstPage + Page.PER_BLOCK; page++) {
                long entry = leaf.get(page);
                if (entry == 0) {
                    continue;
                }
                while (at[0] < all.length && all[at[0]].end <= page) {
                    at[0]++;
                }
                Vma area = at[0] < all.length && all[at[0]].start <= page ? all[at[0]] : null;
                if (area == null) {
                    report(Rule.ENTRY, where(mm, page) + " has " + PteLayout.describe(entry) + " but no area");
                } else {
                    checkEntry(mm, area, page, entry, resident);
                }
            }
        });
        if (resident[0] != mm.rssAnon() || resident[1] != mm.rssShared()) {
            report(
                    Rule.RESIDENT_SET,
                    "process " + mm.id() + " is charged " + mm.rssAnon() + " anonymous and " + mm.rssShared()
                            + " shared pages but maps " + resident[0] + " and " + resident[1]);
        }
    }

    private void checkEntry(Mm mm, Vma area, long page, long entry, long[] resident) {
        int kind = PteLayout.kind(entry);
        if (kind == PteLayout.GUARD || kind == PteLayout.LOST) {
            return;
        }
        long frame = PteLayout.frame(entry);
        FrameRange range = frames.find(frame);
        if (kind > PteLayout.MIGRATION || range == null) {
            report(Rule.ENTRY, where(mm, page) + " has entry 0x" + hex(entry) + ", which means nothing");
            return;
        }
        if (kind == PteLayout.MIGRATION) {
            report(Rule.MIGRATION_ENTRY, where(mm, page) + " waits for frame 0x" + hex(frame));
            return;
        }
        boolean write = PteLayout.writable(entry);
        boolean readable = (entry & PteLayout.READ) != 0;
        if (write && kind != PteLayout.DEVICE_EXCLUSIVE && !area.protection.writable()
                || kind == PteLayout.PRESENT && readable != area.protection.readable()) {
            report(
                    Rule.RIGHTS,
                    where(mm, page) + " has " + PteLayout.describe(entry) + (readable ? " readable" : "")
                            + " in an area with " + area.protection);
        }
        if (frame == machine.zeroFrame) {
            if (kind != PteLayout.PRESENT || write) {
                report(Rule.ZERO_PAGE, where(mm, page) + " has it as " + PteLayout.describe(entry));
            }
            return;
        }
        boolean cpu = range.owner.cpuAddressable();
        if (kind == PteLayout.DEVICE_PRIVATE ? cpu : !cpu) {
            report(
                    Rule.ENTRY,
                    where(mm, page) + " has " + PteLayout.describe(entry) + ", a frame of " + range.owner.name());
        }
        if (kind == PteLayout.PRESENT && (write || PteLayout.dirty(entry)) && frames.copyOf(frame) != 0) {
            report(Rule.COPY, where(mm, page) + " has a copy, and can be or was written");
        }
        tally.map(frame);
        homed.checkPlace(area.homed, page, frame, range);
        checkReverse(mm, area, page, frame, resident);
        if (area.shared == null && write && !frames.has(frame, Frames.ANON | Frames.ANON_EXCLUSIVE)) {
            report(Rule.RIGHTS, where(mm, page) + " is writable, but frame 0x" + hex(frame) + " is not its own");
        }
        if (kind == PteLayout.DEVICE_EXCLUSIVE && area.shared != null) {
            report(Rule.ENTRY, where(mm, page) + " is device-exclusive in a shared area");
        }
    }

    private void checkReverse(Mm mm, Vma area, long page, long frame, long[] resident) {
        long index = frames.index(frame);
        Object anchor = frames.anchor(frame);
        boolean anon = frames.has(frame, Frames.ANON);
        resident[anon ? 0 : 1]++;
        boolean known = area.shared != null
                ? anchor == area.shared && !anon
                : anchor instanceof AnonVma own && area.chain.contains(own) && anon;
        if (!known || !area.covers(index) || area.pageOf(index) != page) {
            report(
                    Rule.REVERSE_MAP,
                    "frame 0x" + hex(frame) + ", index 0x" + hex(index) + ", does not lead back to " + where(mm, page));
        }
    }

    private void checkTranslations(Mm mm) {
        if (!(mm.mmu() instanceof SoftwareMmu mmu)) {
            return;
        }
        boolean idle = mmu.audit((page, segment, offset, writable) -> {
            long entry = mm.pageTable.entry(page);
            long frame = PteLayout.frame(entry);
            MemorySegment expected = PteLayout.allows(entry, writable) ? frames.segment(frame) : null;
            if (expected == null
                    || expected.address() != segment.address()
                    || frames.segmentOffset(frame) != offset
                    || writable && !PteLayout.dirty(entry)) {
                report(
                        Rule.TRANSLATION,
                        where(mm, page) + " is at hand for " + (writable ? "stores" : "loads") + ", but the table has "
                                + PteLayout.describe(entry));
            }
        });
        if (!idle) {
            report(Rule.LOCK_HELD, "a store of process " + mm.id() + " is under way");
        }
    }

    private void checkAnchor(Anchor anchor) {
        if (anchor.lock().isWriteLocked() || anchor.lock().getReadLockCount() > 0) {
            report(Rule.LOCK_HELD, "the lock of an anchor with " + anchor.areas.size() + " areas");
        }
        for (int i = 0; i < anchor.areas.size(); i++) {
            Vma area = anchor.areas.get(i);
            boolean alive = !area.mm.exited() && area.mm.areas.find(area.start) == area;
            boolean knows = anchor instanceof SharedObject ? area.shared == anchor : area.chain.contains(anchor);
            if (!alive || !knows || anchor.areas.indexOf(area) != i) {
                report(
                        Rule.ANCHOR,
                        "an anchor lists " + where(area.mm, area.start)
                                + (alive ? knows ? " twice" : ", which does not know it" : ", which is gone"));
            }
        }
    }

    private void checkObject(SharedObject object, int areas) {
        if (object.users() != areas) {
            report(Rule.SHARED_OBJECT, "mapped by " + areas + " areas, but counts " + object.users());
        }
        object.snapshot().forEach((index, frame) -> {
            held(frame, false);
            if (frames.anchor(frame) != object || frames.index(frame) != index || frames.has(frame, Frames.ANON)) {
                report(Rule.SHARED_OBJECT, "index " + index + " has frame 0x" + hex(frame) + ", which lives elsewhere");
            }
        });
    }

    // ---- frames ------------------------------------------------------------------------------------------------

    private void checkRange(FrameRange range) {
        long[] neverUsed = {Long.MAX_VALUE};
        LruNode node = range.owner instanceof LruNode ram ? ram : null;
        boolean listsFree = node instanceof RamNode;
        if (node != null) {
            neverUsed[0] = walkLists(node);
        }
        long[] inUse = {0};
        frames.forEachFrame(range, (frame, counts, flags) -> {
            if (counts != 0) {
                inUse[0]++;
            }
            if ((flags & Frames.COPY) != 0) {
                held(frame, false);
                checkCopy(range, frame);
            }
            checkCounts(frame, counts, flags);
            if (node != null) {
                checkHasCopy(frame);
                checkPlace(frame, counts, flags, listsFree ? neverUsed[0] : counts == 0 ? frame : Long.MAX_VALUE);
            } else if ((flags & OF_LISTS) != 0 || (counts == 0) != (flags == 0)) {
                report(Rule.ONE_PLACE, "frame 0x" + hex(frame) + " of " + range.owner.name() + " has flags " + flags);
            }
        });
        if (inUse[0] != range.owner.framesInUse()) {
            report(
                    range.owner instanceof DeviceFrames ? Rule.DEVICE_REFERENCES : Rule.ONE_PLACE,
                    range.owner.name() + " says that " + range.owner.framesInUse() + " frames are in use, but "
                            + inUse[0] + " are");
        }
    }

    private void checkCopy(FrameRange range, long copy) {
        long page = frames.copiedFrom(copy);
        if (!(range.owner instanceof DeviceFrames) || frames.find(page) == null || frames.copyOf(page) != copy) {
            report(
                    Rule.COPY,
                    "frame 0x" + hex(copy) + " of " + range.owner.name() + " is a copy of frame 0x" + hex(page)
                            + ", which does not know it");
        }
    }

    private void checkHasCopy(long frame) {
        long copy = frames.copyOf(frame);
        if (copy == 0) {
            return;
        }
        if (frames.find(copy) == null || frames.copiedFrom(copy) != frame) {
            report(Rule.COPY, "frame 0x" + hex(frame) + " has the copy 0x" + hex(copy) + ", which is none of it");
        }
        if (frames.has(frame, Frames.DIRTY) || frames.counts(frame) == 0) {
            report(Rule.COPY, "frame 0x" + hex(frame) + " has a copy, but was written or is free");
        }
    }

    private void checkCounts(long frame, long counts, int flags) {
        int mapped = tally.mapped(frame);
        int held = tally.held(frame);
        int pinned = tally.pinned(frame);
        if (Frames.mappings(counts) != mapped) {
            report(
                    Rule.MAPPING_COUNT,
                    "frame 0x" + hex(frame) + " counts " + Frames.mappings(counts) + ", has " + mapped);
        }
        if (Frames.references(counts) != mapped + held) {
            report(
                    Rule.REFERENCE_COUNT,
                    "frame 0x" + hex(frame) + " counts " + Frames.references(counts) + ", has " + mapped
                            + " mappings and " + held + " others");
        }
        if (Frames.pins(counts) != pinned) {
            report(Rule.PIN_COUNT, "frame 0x" + hex(frame) + " counts " + Frames.pins(counts) + ", has " + pinned);
        }
        if ((flags & (Frames.LOCKED | Frames.WAITERS)) != 0) {
            report(Rule.PAGE_LOCK, "frame 0x" + hex(frame) + " is locked or waited for");
        }
        if ((flags & Frames.ANON_EXCLUSIVE) != 0 && ((flags & Frames.ANON) == 0 || mapped > 1)) {
            report(
                    Rule.EXCLUSIVE,
                    "frame 0x" + hex(frame) + " is marked as one process's own, with " + mapped + " mappings");
        }
        if (((flags & Frames.ALLOCATED) != 0) != (counts != 0)) {
            report(Rule.ONE_PLACE, "frame 0x" + hex(frame) + " has flags " + flags + " with counts 0x" + hex(counts));
        }
    }

    private long walkLists(LruNode node) {
        LruNode.ListVisitor visitor = new LruNode.ListVisitor() {
            @Override
            public void lru(long frame, PageList list) {
                if (!tally.place(frame)) {
                    report(Rule.ONE_PLACE, "frame 0x" + hex(frame) + " is on two lists");
                }
                if (!frames.has(frame, Frames.LRU) || LruNode.list(frames.flags(frame)) != list) {
                    report(Rule.LRU, "frame 0x" + hex(frame) + " has flags of another list");
                }
            }

            @Override
            public void free(long frame) {
                if (!tally.place(frame) || frames.counts(frame) != 0 || frames.flags(frame) != 0) {
                    report(Rule.ONE_PLACE, "frame 0x" + hex(frame) + " is free and somewhere else, or in use");
                }
            }

            @Override
            public void broken(String detail) {
                report(Rule.LRU, node.name() + ' ' + detail);
            }
        };
        long neverUsed = Long.MAX_VALUE;
        if (node instanceof RamNode ram) {
            neverUsed = ram.walkLists(visitor);
        } else {
            node.walkLru(visitor);
        }
        if (!node.lruUnlocked()) {
            report(Rule.LOCK_HELD, "the LRU lock of " + node.name());
        }
        return neverUsed;
    }

    private void checkPlace(long frame, long counts, int flags, long neverUsed) {
        boolean listed = tally.placed(frame);
        boolean setAside = (flags & Frames.RESERVED) != 0;
        if (frame >= neverUsed ? listed || counts != 0 || flags != 0 : listed == setAside) {
            report(
                    Rule.ONE_PLACE,
                    "frame 0x" + hex(frame) + (listed ? " is on a list it should not be on" : " is nowhere")
                            + ", with flags " + flags + " and counts 0x" + hex(counts));
        }
        if ((flags & Frames.LRU) != 0 && !listed) {
            report(Rule.LRU, "frame 0x" + hex(frame) + " has the flag but is on no list");
        }
        int watch = flags & (Frames.WATCHED | Frames.IDLE);
        if (watch == Frames.IDLE || (watch != 0 && (flags & Frames.LRU) == 0)) {
            report(
                    Rule.LRU,
                    "frame 0x" + hex(frame) + " is watched without a place among the oldest, with flags " + flags);
        }
    }

    private void checkResources(FrameRange[] ranges) {
        int matched = 0;
        List<ResourceMap.Resource> all = resources.resources();
        for (FrameRange range : ranges) {
            boolean found = false;
            for (ResourceMap.Resource resource : all) {
                found |= resource.start() == Page.address(range.first)
                        && resource.length() == Page.address(range.count)
                        && resource.name().equals(range.owner.name())
                        && (resource.kind() == ResourceMap.Kind.SYSTEM_RAM) != range.owner.isDevice();
            }
            matched += found ? 1 : 0;
            if (!found) {
                report(Rule.RESOURCE, "no resource for the frames of " + range.owner.name());
            }
        }
        long claimed = all.stream()
                .filter(resource -> resource.kind() != ResourceMap.Kind.RESERVED)
                .count();
        if (claimed != matched) {
            report(Rule.RESOURCE, claimed + " resources for " + matched + " ranges of frames: " + all);
        }
    }

    private void checkZeroPage() {
        long zero = machine.zeroFrame;
        if (!frames.has(zero, Frames.RESERVED)) {
            report(Rule.ZERO_PAGE, "it is not set aside");
        }
        MemorySegment segment = frames.segment(zero);
        if (segment == null) {
            return;
        }
        long offset = frames.segmentOffset(zero);
        for (long at = 0; at < Page.SIZE; at += Long.BYTES) {
            if (segment.get(ValueLayout.JAVA_LONG, offset + at) != 0) {
                report(Rule.ZERO_PAGE, "the bytes at offset " + at + " are not zero");
                return;
            }
        }
    }

    // ---- mirrors -----------------------------------------------------------------------------------------------

    /**
     * Checks one entry of a device's table.
     *
     * @param view the table
     * @param owner the owner of the device's private memory, or null if it has none
     * @param mm the process it mirrors
     * @param address first byte of the page
     * @param frame the frame it names
     * @param writable whether the device would store through it
     */
    public void mirrored(MirrorView view, @Nullable Object owner, Mm mm, long address, long frame, boolean writable) {
        mirrors.check(view, owner, mm, address, frame, writable);
    }
}
