package org.heteromem.core.space;

import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongConsumer;
import org.heteromem.core.frame.Failures;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mmu.PageMoves;
import org.jspecify.annotations.Nullable;

/**
 * From a frame to every entry that maps it, in every process (Linux: rmap). Callers hold the page lock, so the anchor
 * cannot change; the anchor's lock keeps areas where they are.
 */
public final class ReverseMap {
    private ReverseMap() {}

    private interface EntryAction {
        void visit(Vma area, PageTableLeaf leaf, long page);
    }

    /** Visits every entry, also if one of the visits throws: what is undone of the others nobody could put right. */
    private static void walk(FrameTable frames, long frame, EntryAction action) {
        if (!(frames.anchor(frame) instanceof Anchor anchor)) {
            return;
        }
        long index = frames.index(frame);
        Throwable failed = null;
        ReentrantReadWriteLock.ReadLock read = anchor.lock().readLock();
        read.lock();
        try {
            for (int i = 0; i < anchor.areas.size(); i++) {
                Vma area = anchor.areas.get(i);
                if (area.covers(index)) {
                    long page = area.pageOf(index);
                    PageTableLeaf leaf = area.mm.pageTable.leaf(page);
                    if (leaf != null) {
                        try {
                            action.visit(area, leaf, page);
                        } catch (RuntimeException | Error e) {
                            failed = failed == null ? e : failed;
                        }
                    }
                }
            }
        } finally {
            read.unlock();
        }
        Failures.rethrow(failed);
    }

    private static boolean maps(long entry, long frame) {
        int kind = PteLayout.kind(entry);
        return (kind == PteLayout.PRESENT || kind == PteLayout.DEVICE_PRIVATE || kind == PteLayout.DEVICE_EXCLUSIVE)
                && PteLayout.frame(entry) == frame;
    }

    /**
     * Replaces every entry that maps a frame by a migration entry (try_to_migrate). Entries of pinned pages stay.
     *
     * @param machine the machine
     * @param frame a locked frame on which the caller holds a reference
     */
    public static void unmapForMigration(Machine machine, long frame) {
        FrameTable frames = machine.frames;
        walk(frames, frame, (area, leaf, page) -> {
            if (!maps(leaf.get(page), frame)) {
                return;
            }
            Mm mm = area.mm;
            mm.notifyStart(Invalidation.Reason.CLEAR, page, 1, null);
            boolean replaced = false;
            try {
                leaf.lock.lock();
                try {
                    long entry = leaf.get(page);
                    if (maps(entry, frame)) {
                        replaced = MigrationEntries.install(frames, leaf, page, entry);
                    }
                } finally {
                    leaf.lock.unlock();
                }
                if (replaced) {
                    mm.mmu().stopWriters(page, 1);
                }
            } finally {
                if (replaced) {
                    // The migration's own reference keeps the page; this one was the mapping's.
                    frames.put(frame);
                }
                mm.notifyEnd();
            }
        });
    }

    /**
     * Turns every migration entry for a frame into a mapping of a frame: the new one, or the old one to put things back
     * (remove_migration_ptes).
     *
     * @param machine the machine
     * @param from the frame that the entries name, locked
     * @param to the frame that they shall map, locked
     */
    public static void restore(Machine machine, long from, long to) {
        FrameTable frames = machine.frames;
        // Else who gives the page up in between would hear of its new place after it was told that it has none.
        boolean outOfReach = from != to && !reachable(frames, from) && !reachable(frames, to);
        // After a move the identity, and with it the anchor, is the new frame's.
        walk(frames, to, (area, leaf, page) -> {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) != PteLayout.MIGRATION || PteLayout.frame(entry) != from) {
                return;
            }
            if (outOfReach) {
                remap(frames, area, leaf, page, from, to, true);
                return;
            }
            try {
                area.mm.mmu().relocate(new PageMoves.Single(page, from, to, PteLayout.writable(entry)));
            } finally {
                remap(frames, area, leaf, page, from, to, false);
            }
        });
    }

    private static void remap(
            FrameTable frames, Vma area, PageTableLeaf leaf, long page, long from, long to, boolean tell) {
        leaf.lock.lock();
        try {
            long entry = leaf.get(page);
            if (PteLayout.kind(entry) == PteLayout.MIGRATION && PteLayout.frame(entry) == from) {
                if (tell) {
                    area.mm.mmu().movedOutOfReach(page, to);
                }
                frames.get(to);
                MigrationEntries.remove(frames, area, leaf, page, entry, to);
            }
        } finally {
            leaf.lock.unlock();
        }
    }

    private static boolean reachable(FrameTable frames, long frame) {
        return frames.range(frame).owner.cpuAddressable();
    }

    /**
     * Turns every migration entry for a frame into a mark that the page is lost.
     *
     * @param machine the machine
     * @param frame the locked frame whose contents are gone
     */
    public static void markLost(Machine machine, long frame) {
        boolean reachable = reachable(machine.frames, frame);
        walk(machine.frames, frame, (area, leaf, page) -> {
            boolean lost = false;
            leaf.lock.lock();
            try {
                long entry = leaf.get(page);
                if (PteLayout.kind(entry) == PteLayout.MIGRATION && PteLayout.frame(entry) == frame) {
                    leaf.set(page, PteLayout.make(PteLayout.LOST, frame, 0));
                    boolean anon = machine.frames.has(frame, Frames.ANON);
                    (anon ? area.mm.rssAnon : area.mm.rssShared).getAndDecrement();
                    area.mm.mmu().lost(page);
                    lost = true;
                }
            } finally {
                leaf.lock.unlock();
            }
            if (lost && reachable) {
                // Where it was mapped for loads only, nobody was told yet.
                area.mm.mmu().drop(page, 1);
            }
        });
    }

    /**
     * {@return how many entries of the page were used since the last look; clears their used bits (folio_referenced)}
     *
     * @param machine the machine
     * @param frame a locked frame
     */
    public static int referenced(Machine machine, long frame) {
        int[] used = {0};
        walk(machine.frames, frame, (area, leaf, page) -> {
            long seen = leaf.get(page);
            if (!maps(seen, frame) || !PteLayout.young(seen)) {
                return;
            }
            leaf.lock.lock();
            try {
                if (maps(leaf.get(page), frame)) {
                    leaf.update(page, PteLayout.YOUNG, 0);
                    // A cached translation would hide the next use.
                    area.mm.mmu().revoke(page);
                    used[0]++;
                }
            } finally {
                leaf.lock.unlock();
            }
        });
        return used[0] + ((machine.frames.clear(frame, Frames.REFERENCED) & Frames.REFERENCED) != 0 ? 1 : 0);
    }

    /**
     * {@return the memory that the one page that a frame holds is at home with, or null if it may live anywhere}
     *
     * @param machine the machine
     * @param frame a locked frame
     * @param taken told the page, if there is such memory
     */
    static @Nullable HomedNode home(Machine machine, long frame, LongConsumer taken) {
        HomedNode[] found = {null};
        walk(machine.frames, frame, (area, leaf, page) -> {
            if (area.homed != null && found[0] == null) {
                found[0] = area.homed;
                taken.accept(page);
            }
        });
        return found[0];
    }

    /** Is given a mapping. */
    @FunctionalInterface
    public interface MappingVisitor {
        /**
         * Sees one mapping.
         *
         * @param mm whose
         * @param page the page number
         */
        void visit(Mm mm, long page);
    }

    /**
     * Names one address that maps a frame, or would but for a migration; nothing if there is none.
     *
     * @param machine the machine
     * @param frame a locked frame
     * @param visitor called at most once
     */
    public static void anyMapping(Machine machine, long frame, MappingVisitor visitor) {
        boolean[] found = {false};
        walk(machine.frames, frame, (area, leaf, page) -> {
            long entry = leaf.get(page);
            if (!found[0]
                    && (maps(entry, frame)
                            || PteLayout.kind(entry) == PteLayout.MIGRATION && PteLayout.frame(entry) == frame)) {
                found[0] = true;
                visitor.visit(area.mm, page);
            }
        });
    }
}
