package org.heteromem.cli.run;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.heteromem.core.MemoryAccess;

/**
 * The memory of this very process, by address: what a workload's phases see in live mode. An access is the machine's own
 * load or store; if its page is not in RAM, the thread stops in a page fault until the daemon has brought it.
 *
 * <p>All memory is one constant segment, so that an access compiles to one instruction and no check is left but that of
 * the constant's bounds. As in C, an address that is not mapped ends the process: whoever calls has allocated what he
 * touches, and frees it when nobody touches it any more. Thread-safe; has no state.
 */
enum SegmentMemory implements MemoryAccess {
    /** The one there is. */
    INSTANCE;

    @SuppressWarnings("restricted") // the point of it, see above
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    @Override
    public byte loadByte(long address) {
        return MEMORY.get(ValueLayout.JAVA_BYTE, address);
    }

    @Override
    public int loadInt(long address) {
        return MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    @Override
    public long loadLong(long address) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    @Override
    public void storeByte(long address, byte value) {
        MEMORY.set(ValueLayout.JAVA_BYTE, address, value);
    }

    @Override
    public void storeInt(long address, int value) {
        MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
    }

    @Override
    public void storeLong(long address, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        return INT.compareAndSet(MEMORY, address, expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        return LONG.compareAndSet(MEMORY, address, expected, value);
    }

    @Override
    public int getAndAddInt(long address, int delta) {
        return (int) INT.getAndAdd(MEMORY, address, delta);
    }

    @Override
    public long getAndAddLong(long address, long delta) {
        return (long) LONG.getAndAdd(MEMORY, address, delta);
    }

    @Override
    public void read(long address, MemorySegment target, long targetOffset, long bytes) {
        MemorySegment.copy(MEMORY, address, target, targetOffset, bytes);
    }

    @Override
    public void write(long address, MemorySegment source, long sourceOffset, long bytes) {
        MemorySegment.copy(source, sourceOffset, MEMORY, address, bytes);
    }
}
