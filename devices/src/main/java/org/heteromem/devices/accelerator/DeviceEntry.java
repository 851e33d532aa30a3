package org.heteromem.devices.accelerator;

/**
 * Layout of an entry of the device's page table. 0: no translation.
 *
 * <pre>
 *  63                                   2   1   0
 *  +--------------------------------------+---+---+
 *  | frame number                         | W | V |    V valid   W stores allowed
 *  +--------------------------------------+---+---+
 * </pre>
 */
final class DeviceEntry {
    private static final long VALID = 1;
    private static final long WRITE = 1 << 1;
    private static final int FRAME_SHIFT = 2;

    private DeviceEntry() {}

    static long of(long frame, boolean writable) {
        return frame << FRAME_SHIFT | VALID | (writable ? WRITE : 0);
    }

    static boolean writable(long entry) {
        return (entry & WRITE) != 0;
    }

    static boolean allows(long entry, boolean write) {
        long need = VALID | (write ? WRITE : 0);
        return (entry & need) == need;
    }

    static long frame(long entry) {
        return entry >>> FRAME_SHIFT;
    }
}
