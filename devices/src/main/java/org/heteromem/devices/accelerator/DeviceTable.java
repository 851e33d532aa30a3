package org.heteromem.devices.accelerator;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * The device's page table for one process: a radix tree of four levels for 48-bit addresses, whose leaves are {@link
 * DeviceBlock}s. Walked without locks; leaves come and never go.
 */
final class DeviceTable {
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    private static final int BITS = 9;
    private static final int ENTRIES = 1 << BITS;

    /** The last page of an address space. */
    static final long LAST_PAGE = (1L << (Page.ADDRESS_BITS - Page.SHIFT)) - 1;

    private final int space;
    private final Object[] root = new Object[ENTRIES];

    DeviceTable(int space) {
        this.space = space;
    }

    private static int index(long page, int level) {
        return (int) (page >>> (level * BITS)) & (ENTRIES - 1);
    }

    /** {@return the block that holds a page, or null} */
    @Nullable
    DeviceBlock find(long page) {
        Object[] upper = (Object[]) SLOT.getAcquire(root, index(page, 3));
        Object[] middle = upper == null ? null : (Object[]) SLOT.getAcquire(upper, index(page, 2));
        return middle == null ? null : (DeviceBlock) SLOT.getAcquire(middle, index(page, 1));
    }

    /** {@return the block that holds a page, made if need be} */
    DeviceBlock block(long page) {
        Object[] middle = table(table(root, index(page, 3)), index(page, 2));
        int at = index(page, 1);
        DeviceBlock block = (DeviceBlock) SLOT.getAcquire(middle, at);
        if (block != null) {
            return block;
        }
        DeviceBlock made = new DeviceBlock(space, page & -Page.PER_BLOCK);
        DeviceBlock other = (DeviceBlock) SLOT.compareAndExchange(middle, at, null, made);
        return other == null ? made : other;
    }

    private static Object[] table(Object[] above, int at) {
        Object[] below = (Object[]) SLOT.getAcquire(above, at);
        if (below != null) {
            return below;
        }
        Object[] made = new Object[ENTRIES];
        Object[] other = (Object[]) SLOT.compareAndExchange(above, at, null, made);
        return other == null ? made : other;
    }

    /** {@return the first page from {@code page} on that a block covers; {@code end} if there is none before it} */
    long nextCovered(long page, long end) {
        long at = page;
        while (at < end) {
            Object[] upper = (Object[]) SLOT.getAcquire(root, index(at, 3));
            if (upper == null) {
                at = after(at, 3);
                continue;
            }
            Object[] middle = (Object[]) SLOT.getAcquire(upper, index(at, 2));
            if (middle == null) {
                at = after(at, 2);
                continue;
            }
            if (SLOT.getAcquire(middle, index(at, 1)) != null) {
                return at;
            }
            at = after(at, 1);
        }
        return end;
    }

    private static long after(long page, int level) {
        return (page | (1L << (level * BITS)) - 1) + 1;
    }
}
