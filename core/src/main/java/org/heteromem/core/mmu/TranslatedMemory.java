package org.heteromem.core.mmu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryAccess;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;

/**
 * Loads, stores, atomics and bulk copies through a {@link TranslationCache}: what a CPU and a compute unit of a device have
 * in common. They differ in where a missing translation comes from. To be used by one thread; others may shoot down.
 */
public abstract class TranslatedMemory extends TranslationCache implements MemoryAccess {
    /**
     * All native memory as one segment, so that an access compiles to one instruction: the translation is the check. Sound
     * because the memory behind a translation outlives its users ({@link org.heteromem.core.MemoryManager#hold}).
     */
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final byte[] scratchBytes = new byte[Long.BYTES];
    private final MemorySegment scratch = MemorySegment.ofArray(scratchBytes);

    /** Makes one without translations. */
    protected TranslatedMemory() {}

    /**
     * Gets a translation that is missing, or does not allow the access: looks it up in the page table that this thread works
     * with, faults if need be, and {@link #install}s it. Returns when it is worth trying again.
     *
     * @param address the address touched
     * @param access what is tried
     */
    protected abstract void refill(long address, Access access);

    private static boolean hit(long[] tags, long page) {
        return (long) TAG.getOpaque(tags, slot(page)) == page;
    }

    private boolean beginStore(long page) {
        // Release: a shoot-down that sees this page also sees what was stored to the page before.
        STORING.setRelease(this, page);
        VarHandle.fullFence();
        return hit(writeTags, page);
    }

    private void endStore() {
        STORING.setRelease(this, NO_PAGE);
    }

    // ---- loads -------------------------------------------------------------------------------------------------

    @Override
    public final byte loadByte(long address) {
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        for (; ; ) {
            if (hit(readTags, page)) {
                byte value = MEMORY.get(ValueLayout.JAVA_BYTE, bases[slot] + address);
                VarHandle.loadLoadFence();
                if (hit(readTags, page)) {
                    return value;
                }
            }
            refill(address, Access.READ);
        }
    }

    @Override
    public final int loadInt(long address) {
        if ((address & 3) != 0) {
            read(address, scratch, 0, Integer.BYTES);
            return scratch.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        }
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        for (; ; ) {
            if (hit(readTags, page)) {
                int value = MEMORY.get(ValueLayout.JAVA_INT, bases[slot] + address);
                VarHandle.loadLoadFence();
                if (hit(readTags, page)) {
                    return value;
                }
            }
            refill(address, Access.READ);
        }
    }

    @Override
    public final long loadLong(long address) {
        if ((address & 7) != 0) {
            return loadUnalignedLong(address);
        }
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        for (; ; ) {
            if (hit(readTags, page)) {
                long value = MEMORY.get(ValueLayout.JAVA_LONG, bases[slot] + address);
                VarHandle.loadLoadFence();
                if (hit(readTags, page)) {
                    return value;
                }
            }
            refill(address, Access.READ);
        }
    }

    private long loadUnalignedLong(long address) {
        read(address, scratch, 0, Long.BYTES);
        return scratch.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    // ---- stores ------------------------------------------------------------------------------------------------

    @Override
    public final void storeByte(long address, byte value) {
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        while (!beginStore(page)) {
            endStore();
            refill(address, Access.WRITE);
        }
        MEMORY.set(ValueLayout.JAVA_BYTE, bases[slot] + address, value);
        endStore();
    }

    @Override
    public final void storeInt(long address, int value) {
        if ((address & 3) != 0) {
            scratch.set(ValueLayout.JAVA_INT_UNALIGNED, 0, value);
            write(address, scratch, 0, Integer.BYTES);
            return;
        }
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        while (!beginStore(page)) {
            endStore();
            refill(address, Access.WRITE);
        }
        MEMORY.set(ValueLayout.JAVA_INT, bases[slot] + address, value);
        endStore();
    }

    @Override
    public final void storeLong(long address, long value) {
        if ((address & 7) != 0) {
            storeUnalignedLong(address, value);
            return;
        }
        long page = address >>> Page.SHIFT;
        int slot = slot(page);
        while (!beginStore(page)) {
            endStore();
            refill(address, Access.WRITE);
        }
        MEMORY.set(ValueLayout.JAVA_LONG, bases[slot] + address, value);
        endStore();
    }

    private void storeUnalignedLong(long address, long value) {
        scratch.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
        write(address, scratch, 0, Long.BYTES);
    }

    // ---- atomics -----------------------------------------------------------------------------------------------

    private static void checkAligned(long address, int bytes) {
        if ((address & (bytes - 1)) != 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "atomic access of " + bytes + " bytes at 0x" + Long.toHexString(address) + ": not aligned");
        }
    }

    private int beginAtomic(long address) {
        long page = address >>> Page.SHIFT;
        while (!beginStore(page)) {
            endStore();
            refill(address, Access.WRITE);
        }
        return slot(page);
    }

    @Override
    public final boolean compareAndSetInt(long address, int expected, int value) {
        checkAligned(address, Integer.BYTES);
        int slot = beginAtomic(address);
        boolean done = INT.compareAndSet(MEMORY, bases[slot] + address, expected, value);
        endStore();
        return done;
    }

    @Override
    public final boolean compareAndSetLong(long address, long expected, long value) {
        checkAligned(address, Long.BYTES);
        int slot = beginAtomic(address);
        boolean done = LONG.compareAndSet(MEMORY, bases[slot] + address, expected, value);
        endStore();
        return done;
    }

    @Override
    public final int getAndAddInt(long address, int delta) {
        checkAligned(address, Integer.BYTES);
        int slot = beginAtomic(address);
        int before = (int) INT.getAndAdd(MEMORY, bases[slot] + address, delta);
        endStore();
        return before;
    }

    @Override
    public final long getAndAddLong(long address, long delta) {
        checkAligned(address, Long.BYTES);
        int slot = beginAtomic(address);
        long before = (long) LONG.getAndAdd(MEMORY, bases[slot] + address, delta);
        endStore();
        return before;
    }

    // ---- bulk --------------------------------------------------------------------------------------------------

    private static void checkBulk(MemorySegment segment, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > segment.byteSize() - bytes) {
            throw new IndexOutOfBoundsException(
                    bytes + " bytes at offset " + offset + " of a segment of " + segment.byteSize() + " bytes");
        }
    }

    @Override
    public final void read(long address, MemorySegment target, long targetOffset, long bytes) {
        checkBulk(target, targetOffset, bytes);
        long done = 0;
        while (done < bytes) {
            long at = address + done;
            long page = at >>> Page.SHIFT;
            int slot = slot(page);
            long part = Math.min(bytes - done, Page.SIZE - (at & Page.OFFSET_MASK));
            if (hit(readTags, page)) {
                MemorySegment.copy(MEMORY, bases[slot] + at, target, targetOffset + done, part);
                VarHandle.loadLoadFence();
                if (hit(readTags, page)) {
                    done += part;
                    continue;
                }
            }
            refill(at, Access.READ);
        }
    }

    @Override
    public final void write(long address, MemorySegment source, long sourceOffset, long bytes) {
        checkBulk(source, sourceOffset, bytes);
        long done = 0;
        while (done < bytes) {
            long at = address + done;
            long page = at >>> Page.SHIFT;
            int slot = slot(page);
            long part = Math.min(bytes - done, Page.SIZE - (at & Page.OFFSET_MASK));
            if (beginStore(page)) {
                try {
                    MemorySegment.copy(source, sourceOffset + done, MEMORY, bases[slot] + at, part);
                } finally {
                    // The source may be closed or read-only in part: nobody may wait for us for ever.
                    endStore();
                }
                done += part;
            } else {
                endStore();
                refill(at, Access.WRITE);
            }
        }
    }
}
