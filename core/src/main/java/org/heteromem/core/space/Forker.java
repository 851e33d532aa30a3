package org.heteromem.core.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.wait.WaitPoint;
import org.jspecify.annotations.Nullable;

/**
 * Duplicates an address space (Linux: dup_mmap, copy_page_range) and takes one down (exit_mmap).
 *
 * <p>Private pages become shared and read-only in both; page tables are copied only for areas that have had anonymous
 * pages, the rest is found again by faults. A pinned page stays the parent's, the child gets a copy at once.
 */
public final class Forker {
    /** How often room may have been made in vain. */
    private static final int MOST_ATTEMPTS = 1000;

    private final Mm parent;
    private final Mm child;
    private final FrameTable frames;
    private final Machine machine;

    /** What stopped a copy half-way; the child is then taken down and the fork starts over. */
    private @Nullable WaitPoint obstacle;

    private boolean outOfFrames;

    private Forker(Mm parent, Mm child) {
        this.parent = parent;
        this.child = child;
        this.machine = parent.machine();
        this.frames = machine.frames;
    }

    /**
     * Tries to duplicate an address space.
     *
     * @param parent what to duplicate
     * @param child an empty one
     * @param attempt how often it was tried before
     * @return true; or false after waiting for what was in the way or making room: take the child down and try again
     */
    public static boolean fork(Mm parent, Mm child, int attempt) {
        Forker forker = new Forker(parent, child);
        boolean done = forker.copyAreas();
        if (!done) {
            if (forker.outOfFrames) {
                String purpose = "the copy of a pinned page in a fork";
                if (attempt > MOST_ATTEMPTS) {
                    throw forker.machine.exhausted(purpose);
                }
                forker.machine.relieve(FrameDemand.NEW_PAGE, forker.machine.preferredNode(), purpose);
            } else if (forker.obstacle != null) {
                forker.machine.waiting.await(forker.obstacle);
            }
        }
        return done;
    }

    private boolean copyAreas() {
        long stamp = parent.writeLock();
        try {
            for (Vma area : parent.areas.all()) {
                if (!area.has(Vma.DONTFORK) && area.homed == null && !copyArea(area)) {
                    return false;
                }
            }
            return true;
        } finally {
            parent.writeUnlock(stamp);
        }
    }

    private boolean copyArea(Vma area) {
        Vma copy = new Vma(
                child, area.start, area.end, area.offset, area.protection, area.flags & ~Vma.LOCKED, area.shared);
        boolean wipe = area.has(Vma.WIPEONFORK);
        if (area.shared != null) {
            area.shared.addUser();
            ReentrantReadWriteLock.WriteLock write = area.shared.lock().writeLock();
            write.lock();
            try {
                area.shared.areas.add(copy);
            } finally {
                write.unlock();
            }
        } else if (!wipe && area.anonVma != null) {
            linkChild(copy, area.chain);
        }
        child.areas.add(copy);
        if (wipe || !area.needsCopy()) {
            return true;
        }
        if (area.shared != null) {
            // Nothing becomes read-only: nobody has to be told.
            return copyTable(area, copy);
        }
        parent.notifyStart(Invalidation.Reason.PROTECTION_PAGE, area.start, area.pages(), null);
        try {
            return copyTable(area, copy);
        } finally {
            try {
                parent.mmu().stopWriters(area.start, area.pages());
            } finally {
                parent.notifyEnd();
            }
        }
    }

    private boolean copyTable(Vma area, Vma copy) {
        boolean complete = true;
        for (long page = area.start; page < area.end && complete; page = PageTable.leafEnd(page)) {
            PageTableLeaf source = parent.pageTable.leaf(page);
            if (source != null) {
                PageTableLeaf sink = child.pageTable.leafOrMake(page);
                complete = copyLeaf(area, copy, source, sink, page, Math.min(area.end, PageTable.leafEnd(page)));
            }
        }
        return complete;
    }

    private static void linkChild(Vma copy, List<AnonVma> ancestors) {
        AnonVma own = new AnonVma(ancestors.get(0));
        List<AnonVma> chain = new ArrayList<>(ancestors.size() + 1);
        chain.add(own);
        chain.addAll(ancestors);
        ReentrantReadWriteLock.WriteLock write = own.lock().writeLock();
        write.lock();
        try {
            chain.forEach(anchor -> anchor.areas.add(copy));
        } finally {
            write.unlock();
        }
        copy.chain = List.copyOf(chain);
        copy.anonVma = own;
    }

    private boolean copyLeaf(Vma area, Vma copy, PageTableLeaf source, PageTableLeaf sink, long from, long to) {
        sink.lock.lock();
        source.lock.lock();
        try {
            for (long page = from; page < to; page++) {
                long entry = source.get(page);
                if (entry != 0 && !copyEntry(area, copy, source, sink, page, entry)) {
                    return false;
                }
            }
            return true;
        } finally {
            source.lock.unlock();
            sink.lock.unlock();
        }
    }

    private boolean copyEntry(Vma area, Vma copy, PageTableLeaf source, PageTableLeaf sink, long page, long seen) {
        long entry = seen;
        long frame = PteLayout.frame(entry);
        if (area.shared != null
                && PteLayout.kind(entry) != PteLayout.GUARD
                && PteLayout.kind(entry) != PteLayout.LOST) {
            copyShared(sink, page, entry);
            return true;
        }
        switch (PteLayout.kind(entry)) {
            case PteLayout.DEVICE_EXCLUSIVE -> {
                if (!frames.tryLock(frame)) {
                    obstacle = frames.unlocked(frame);
                    return false;
                }
                entry = FaultHandler.presentAfterExclusive(frames, area, entry);
                source.set(page, entry);
                frames.unlock(frame);
                return copyPresent(copy, source, sink, page, entry);
            }
            case PteLayout.PRESENT -> {
                return copyPresent(copy, source, sink, page, entry);
            }
            case PteLayout.DEVICE_PRIVATE -> {
                frames.clear(frame, Frames.ANON_EXCLUSIVE);
                frames.addMapping(frame);
                source.update(page, PteLayout.WRITE, 0);
                sink.set(page, entry & ~PteLayout.WRITE);
                child.rssAnon.getAndIncrement();
            }
            case PteLayout.MIGRATION -> {
                long shared = entry & ~(PteLayout.WRITE | PteLayout.EXCLUSIVE);
                source.update(page, PteLayout.WRITE | PteLayout.EXCLUSIVE, 0);
                sink.set(page, shared);
                child.rssAnon.getAndIncrement();
            }
            case PteLayout.GUARD, PteLayout.LOST -> sink.set(page, entry);
            default -> throw new IllegalStateException("fork met " + PteLayout.describe(entry));
        }
        return true;
    }

    /** A page of shared memory is mapped as it is, if that can be done at once; else the child finds it by a fault. */
    private void copyShared(PageTableLeaf sink, long page, long entry) {
        if (PteLayout.kind(entry) == PteLayout.PRESENT) {
            frames.addMapping(PteLayout.frame(entry));
            sink.set(page, entry & ~(PteLayout.YOUNG | PteLayout.DIRTY));
            child.rssShared.getAndIncrement();
        }
    }

    private boolean copyPresent(Vma copy, PageTableLeaf source, PageTableLeaf sink, long page, long entry) {
        long frame = PteLayout.frame(entry);
        long used = PteLayout.YOUNG | PteLayout.DIRTY;
        if (frame == machine.zeroFrame) {
            sink.set(page, entry);
            return true;
        }
        if (frames.has(frame, Frames.ANON_EXCLUSIVE) && frames.pins(frame) > 0) {
            return copyPinned(copy, sink, page, frame);
        }
        frames.clear(frame, Frames.ANON_EXCLUSIVE);
        frames.addMapping(frame);
        source.update(page, PteLayout.WRITE, 0);
        parent.mmu().revoke(page);
        sink.set(page, entry & ~(PteLayout.WRITE | used));
        child.rssAnon.getAndIncrement();
        return true;
    }

    private boolean copyPinned(Vma copy, PageTableLeaf sink, long page, long frame) {
        long fresh = machine.allocateRam(Frames.ANON | Frames.ANON_EXCLUSIVE | Frames.DIRTY);
        if (fresh == RamNode.NONE) {
            outOfFrames = true;
            return false;
        }
        FaultHandler.copy(frames, fresh, frame);
        frames.place(fresh, copy.anonVma, copy.index(page), 0, 0);
        frames.addMappingOwnReference(fresh);
        long write = copy.protection.writable() ? PteLayout.WRITE : 0;
        sink.set(page, PteLayout.make(PteLayout.PRESENT, fresh, copy.entryBits() | write | PteLayout.DIRTY));
        child.rssAnon.getAndIncrement();
        machine.lruAdd(fresh);
        return true;
    }

    /**
     * Takes an address space down: followers are told first, then everything goes. Does nothing if it is gone, so that
     * several may try at once.
     *
     * @param mm an address space
     */
    public static void exit(Mm mm) {
        long stamp = mm.lock.writeLock();
        try {
            if (mm.exited()) {
                return;
            }
            mm.markExited();
            Vma[] all = mm.areas.all();
            if (all.length > 0) {
                long start = all[0].start;
                long end = all[all.length - 1].end;
                mm.notifyStart(Invalidation.Reason.RELEASE, start, end - start, null);
                try {
                    Zapper.run(mm, start, end, zapper -> {
                        for (Vma area : all) {
                            zapper.zap(area.start, area.end, false);
                        }
                    });
                } finally {
                    mm.notifyEnd();
                    for (Vma area : all) {
                        mm.areas.remove(area);
                        AreaBounds.unlink(area);
                        if (area.shared != null) {
                            area.shared.dropUser(mm.machine().frames);
                        }
                    }
                }
            }
        } finally {
            mm.writeUnlock(stamp);
            mm.machine().unregister(mm);
        }
    }
}
