package org.heteromem.core.space;

import java.util.function.LongConsumer;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.mirror.Invalidation;
import org.jspecify.annotations.Nullable;

/**
 * Finds the page behind an address and takes a reference to it (Linux: gup.c). Whatever stands in the way is faulted in as
 * a CPU access would; a private device page comes home first. References are taken under the page-table lock, so a
 * migration that has collected the page cannot be overtaken.
 */
public final class PageReference {
    /** What kind of reference. */
    public enum Kind {
        /** A plain reference (FOLL_GET). */
        GET,
        /** A pin for the time of a transfer (FOLL_PIN). */
        PIN,
        /** A pin for as long as its holder likes (FOLL_PIN|FOLL_LONGTERM). */
        PIN_LONG_TERM
    }

    /** No frame: the page cannot be accessed so. */
    private static final long FAILED = -1;
    /** No frame: the page cannot take more references of this kind. */
    private static final long BUSY = -2;

    /** How often a page may turn up in device memory again before a long pin gives up. */
    private static final int LONG_TERM_ATTEMPTS = 10;

    /**
     * Why references were not taken.
     *
     * @param page the page that could not be had
     * @param busy whether it is there but cannot be referenced so; else it cannot be accessed
     */
    public record Refusal(long page, boolean busy) {}

    private PageReference() {}

    /**
     * Takes references to consecutive pages, all or none. As in Linux, all are found and faulted in before any is moved to
     * where a long pin is allowed.
     *
     * @param mm whose address space
     * @param first the first page
     * @param frames filled with the frames
     * @param access what the holder will do
     * @param kind what kind of reference
     * @return null, or why nothing is referenced
     */
    public static @Nullable Refusal takeAll(Mm mm, long first, long[] frames, Access access, Kind kind) {
        Machine machine = mm.machine();
        int attempts = 0;
        int kept = 0;
        int held = 0;
        try {
            while (kept < frames.length) {
                long frame = 0;
                while (held < frames.length && (frame = follow(mm, first + held, access, kind)) >= 0) {
                    frames[held++] = frame;
                }
                if (held == kept) {
                    return new Refusal(first + kept, frame == BUSY);
                }
                if (kind != Kind.PIN_LONG_TERM || !anyUnpinnable(machine, frames, kept, held)) {
                    kept = held;
                } else if (++attempts > LONG_TERM_ATTEMPTS) {
                    return new Refusal(first + kept, true);
                } else {
                    int to = held;
                    held = kept;
                    int stuck = moveUnpinnable(machine, frames, kept, to);
                    if (stuck >= 0) {
                        return new Refusal(first + stuck, true);
                    }
                }
            }
            return null;
        } finally {
            if (kept < frames.length) {
                // Also if memory is exhausted or a port throws: nobody would ever give back what was taken so far.
                releaseAll(machine, frames, 0, held, kind);
            }
        }
    }

    private static boolean unpinnable(Machine machine, long frame) {
        return machine.frames.range(frame).owner instanceof DeviceFrames device
                && !device.memory().supportsLongTermPinning();
    }

    private static boolean anyUnpinnable(Machine machine, long[] frames, int from, int to) {
        for (int i = from; i < to; i++) {
            if (unpinnable(machine, frames[i])) {
                return true;
            }
        }
        return false;
    }

    /**
     * Moves those of the pinned pages to RAM that are where no long pin is allowed, and gives all pins back, since the pages
     * must be looked up again (migrate_longterm_unpinnable_folios).
     *
     * @return -1, or which page could not be moved
     */
    private static int moveUnpinnable(Machine machine, long[] frames, int from, int to) {
        int stuck = -1;
        int next = from;
        try {
            while (next < to) {
                int i = next;
                // To be asked while the pin holds: without it the page may go, and its memory leave the machine.
                boolean mustMove = unpinnable(machine, frames[i]);
                release(machine, frames[i], Kind.PIN_LONG_TERM);
                next++;
                if (stuck < 0 && mustMove && !HomeMigration.moveToRam(machine, frames[i])) {
                    stuck = i;
                }
            }
        } finally {
            releaseAll(machine, frames, next, to, Kind.PIN_LONG_TERM);
        }
        return stuck;
    }

    private static void releaseAll(Machine machine, long[] frames, int from, int to, Kind kind) {
        for (int i = from; i < to; i++) {
            release(machine, frames[i], kind);
        }
    }

    /**
     * Gives a reference back.
     *
     * @param machine the machine
     * @param frame the frame
     * @param kind as it was taken
     */
    public static void release(Machine machine, long frame, Kind kind) {
        if (frame == machine.zeroFrame) {
            return;
        }
        if (kind == Kind.GET) {
            machine.frames.put(frame);
        } else {
            machine.frames.unpin(frame);
        }
    }

    private static long follow(Mm mm, long page, Access access, Kind kind) {
        boolean write = access == Access.WRITE;
        for (; ; ) {
            boolean unshare = false;
            long stamp = mm.readLock();
            try {
                Vma area = mm.areas.find(page);
                if (area == null || (write ? !area.protection.writable() : !area.protection.readable())) {
                    return FAILED;
                }
                PageTableLeaf leaf = mm.pageTable.leaf(page);
                if (leaf != null) {
                    leaf.lock.lock();
                    try {
                        long entry = leaf.get(page);
                        if (PteLayout.allows(entry, write)) {
                            long frame = PteLayout.frame(entry);
                            unshare = kind != Kind.GET && !write && mustUnshare(mm, area, frame, kind);
                            if (!unshare) {
                                if (!reference(mm.machine(), frame, kind)) {
                                    return BUSY;
                                }
                                if (write) {
                                    mm.machine().frames.set(frame, Frames.DIRTY);
                                }
                                return frame;
                            }
                        }
                    } finally {
                        leaf.lock.unlock();
                    }
                }
            } finally {
                mm.readUnlock(stamp);
            }
            if (!(mm.resolve(page, access, unshare) instanceof FaultResult.Done)) {
                return FAILED;
            }
        }
    }

    /**
     * The shared zero page is not counted (as in Linux, where it is never pinned): it stays for good, and all processes
     * together may name it more often than a frame can count.
     */
    private static boolean reference(Machine machine, long frame, Kind kind) {
        if (frame == machine.zeroFrame) {
            return true;
        }
        if (kind == Kind.GET) {
            machine.frames.get(frame);
            return true;
        }
        return machine.frames.tryPin(frame);
    }

    /** A pin for reading must not end on a page that the process may stop sharing (gup_must_unshare). */
    private static boolean mustUnshare(Mm mm, Vma area, long frame, Kind kind) {
        FrameTable frames = mm.machine().frames;
        if (!frames.has(frame, Frames.ANON)) {
            return kind == Kind.PIN_LONG_TERM && area.isPrivate();
        }
        return !frames.has(frame, Frames.ANON_EXCLUSIVE);
    }

    /**
     * Faults a page in as a reference would, without keeping one.
     *
     * @param mm whose address space
     * @param page the page number
     * @param access what for
     * @return Done, or why not
     */
    public static FaultResult faultIn(Mm mm, long page, Access access) {
        for (; ; ) {
            if (PteLayout.allows(mm.pageTable.entry(page), access == Access.WRITE)) {
                long stamp = mm.readLock();
                try {
                    Vma area = mm.areas.find(page);
                    if (area == null) {
                        return new FaultResult.Segv("nothing is mapped there");
                    }
                    if (access == Access.WRITE ? area.protection.writable() : area.protection.readable()) {
                        return FaultResult.SPURIOUS;
                    }
                    return new FaultResult.Segv("the mapping's protection is " + area.protection);
                } finally {
                    mm.readUnlock(stamp);
                }
            }
            FaultResult result = mm.resolve(page, access, false);
            if (!(result instanceof FaultResult.Done)) {
                return result;
            }
        }
    }

    /**
     * Takes a page from the CPU for a device (make_device_exclusive): it is faulted in for writing, then its entry becomes
     * device-exclusive.
     *
     * @param mm whose address space
     * @param page the page number
     * @param owner the device, for its own notifier to recognise
     * @param programme what the driver does while the page is locked, given the frame
     * @return null if done, else the reason why not
     */
    public static @Nullable Errno makeExclusive(Mm mm, long page, Object owner, LongConsumer programme) {
        FrameTable frames = mm.machine().frames;
        for (; ; ) {
            long frame = follow(mm, page, Access.WRITE, Kind.GET);
            if (frame < 0) {
                return Errno.EFAULT;
            }
            try {
                // Homed memory cannot be taken from who executes it without losing its contents.
                if (!frames.has(frame, Frames.ANON) || isHomed(mm, page)) {
                    return Errno.EOPNOTSUPP;
                }
                if (!frames.tryLock(frame)) {
                    mm.machine().waiting.await(frames.unlocked(frame));
                    continue;
                }
                try {
                    if (replaceByExclusive(mm, page, frame, owner)) {
                        programme.accept(frame);
                        return null;
                    }
                } finally {
                    frames.unlock(frame);
                }
            } finally {
                frames.put(frame);
            }
        }
    }

    /** By its area: a page that is on a coherent device at the moment must come home to its own frame too. */
    private static boolean isHomed(Mm mm, long page) {
        long stamp = mm.readLock();
        try {
            Vma area = mm.areas.find(page);
            return area != null && area.homed != null;
        } finally {
            mm.readUnlock(stamp);
        }
    }

    private static boolean replaceByExclusive(Mm mm, long page, long frame, Object owner) {
        long stamp = mm.readLock();
        try {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                return false;
            }
            boolean replaced = false;
            mm.notifyStart(Invalidation.Reason.EXCLUSIVE, page, 1, owner);
            try {
                leaf.lock.lock();
                try {
                    long entry = leaf.get(page);
                    if (PteLayout.allows(entry, true) && PteLayout.frame(entry) == frame) {
                        leaf.exchange(page, PteLayout.make(PteLayout.DEVICE_EXCLUSIVE, frame, PteLayout.WRITE));
                        mm.machine().frames.set(frame, Frames.DIRTY);
                        replaced = true;
                    }
                } finally {
                    leaf.lock.unlock();
                }
                if (replaced) {
                    mm.mmu().stopWriters(page, 1);
                    mm.mmu().drop(page, 1);
                }
            } finally {
                mm.notifyEnd();
            }
            return replaced;
        } finally {
            mm.readUnlock(stamp);
        }
    }
}
