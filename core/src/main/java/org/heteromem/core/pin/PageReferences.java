package org.heteromem.core.pin;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.event.PinChange;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.space.Machine;
import org.heteromem.core.space.PageReference;

/**
 * Pages held from outside. The holder sees the frames it took, also after the process has unmapped them or written its own
 * copy elsewhere. Thread-safe but for {@link #close} against the others.
 */
public final class PageReferences implements AutoCloseable {
    private final AddressSpace space;
    private final long address;
    private final long[] frames;
    private final Access access;
    private final PageReference.Kind kind;
    private final AtomicBoolean closed = new AtomicBoolean();

    PageReferences(AddressSpace space, long address, long[] frames, Access access, PageReference.Kind kind) {
        this.space = space;
        this.address = address;
        this.frames = frames;
        this.access = access;
        this.kind = kind;
    }

    /** {@return how many pages are held} */
    public int pages() {
        return frames.length;
    }

    /**
     * {@return the frame of a page}
     *
     * @param i which page
     */
    public long frame(int i) {
        return frames[i];
    }

    /** {@return whether they are pins rather than plain references} */
    public boolean isPin() {
        return kind != PageReference.Kind.GET;
    }

    /** {@return whether they have not been given back yet} */
    public boolean isOpen() {
        return !closed.get();
    }

    /**
     * Reads from a held page.
     *
     * @param i which page
     * @param offset byte offset in the page
     * @param target where to
     * @param targetOffset offset in {@code target}
     * @param bytes how many; must stay within the page
     */
    public void read(int i, long offset, MemorySegment target, long targetOffset, long bytes) {
        FrameRange range = range(i, offset, bytes);
        range.owner.store().read(range.offset(frames[i]) + offset, target, targetOffset, bytes);
    }

    /**
     * Writes to a held page; the holder must have asked for write access.
     *
     * @param i which page
     * @param offset byte offset in the page
     * @param source where from
     * @param sourceOffset offset in {@code source}
     * @param bytes how many; must stay within the page
     */
    public void write(int i, long offset, MemorySegment source, long sourceOffset, long bytes) {
        if (access != Access.WRITE) {
            throw new MemoryException(Errno.EACCES, "the references were taken for reading");
        }
        FrameRange range = range(i, offset, bytes);
        range.owner.store().write(range.offset(frames[i]) + offset, source, sourceOffset, bytes);
    }

    private FrameRange range(int i, long offset, long bytes) {
        if (closed.get()) {
            throw new MemoryException(Errno.EBADF, "the references were given back");
        }
        if (offset < 0 || bytes < 0 || bytes > Page.SIZE || offset > Page.SIZE - bytes) {
            throw new MemoryException(Errno.EINVAL, bytes + " bytes at offset " + offset + " do not lie within a page");
        }
        return machine().frames.range(frames[i]);
    }

    private Machine machine() {
        return space.mm().machine();
    }

    /** Gives the references back. Idempotent. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            for (long frame : frames) {
                PageReference.release(machine(), frame, kind);
            }
            machine().emit(() -> new MemoryEvent.Pinned(space.id(), address, frames.length, PinChange.RELEASE));
        }
    }
}
