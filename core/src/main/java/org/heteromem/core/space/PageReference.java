package org.heteromem.core.space;

import java.util.function.LongConsumer;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.device.DeviceKind;
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

    /** Failure instead of a frame. */
    public static final long FAILED = -1;
    /** The page cannot be moved to where a long pin is allowed. */
    public static final long BUSY = -2;

    private static final int LONG_TERM_ATTEMPTS = 10;

    private PageReference() {}

    /**
     * Takes a reference.
     *
     * @param mm whose address space
     * @param page the page number
     * @param access what the holder will do
     * @param kind what kind of reference
     * @return the frame, or {@link #FAILED} (EFAULT), or {@link #BUSY}
     */
    public static long take(Mm mm, long page, Access access, Kind kind) {
        FrameTable frames = mm.machine().frames;
        for (int attempt = 0; attempt < LONG_TERM_ATTEMPTS; attempt++) {
            long frame = follow(mm, page, access, kind);
            if (frame == FAILED || kind != Kind.PIN_LONG_TERM) {
                return frame;
            }
            if (!(frames.range(frame).owner instanceof DeviceFrames device)
                    || device.memory().kind() != DeviceKind.COHERENT) {
                return frame;
            }
            // Device memory is no place for a long pin: move the page to RAM, then look again.
            frames.unpin(frame);
            if (!HomeMigration.moveToRam(mm.machine(), frame)) {
                return BUSY;
            }
        }
        return BUSY;
    }

    /**
     * Gives a reference back.
     *
     * @param machine the machine
     * @param frame the frame
     * @param kind as it was taken
     */
    public static void release(Machine machine, long frame, Kind kind) {
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
                                if (!reference(mm.machine().frames, frame, kind)) {
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

    private static boolean reference(FrameTable frames, long frame, Kind kind) {
        if (kind == Kind.GET) {
            frames.get(frame);
            return true;
        }
        return frames.tryPin(frame);
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
            long frame = take(mm, page, Access.WRITE, Kind.GET);
            if (frame < 0) {
                return Errno.EFAULT;
            }
            try {
                if (!frames.has(frame, Frames.ANON)) {
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

    private static boolean replaceByExclusive(Mm mm, long page, long frame, Object owner) {
        long stamp = mm.readLock();
        try {
            PageTableLeaf leaf = mm.pageTable.leaf(page);
            if (leaf == null) {
                return false;
            }
            boolean replaced = false;
            mm.notifyStart(Invalidation.Reason.EXCLUSIVE, page, 1, owner);
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
            mm.notifyEnd();
            return replaced;
        } finally {
            mm.readUnlock(stamp);
        }
    }
}
