package org.heteromem.devices.storage;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.device.DeviceMemory;

/** Compares the books of a storage device with each other, slot by slot, where nothing is under way. */
final class StorageAudit {
    private final StorageDevice device;
    private final List<String> wrong = new ArrayList<>();

    private StorageAudit(StorageDevice device) {
        this.device = device;
    }

    static List<String> of(StorageDevice device) {
        StorageAudit audit = new StorageAudit(device);
        audit.slots();
        audit.wrong.addAll(device.store().audit());
        return audit.wrong;
    }

    private void slots() {
        DeviceMemory memory = device.memory();
        int slots = device.slots().slots();
        int[] arrived = new int[slots];
        device.arrivals().forEachThere(slot -> arrived[slot]++);
        int[] copied = new int[slots];
        device.copies().forEachThere(slot -> copied[slot]++);
        int taken = 0;
        int copies = 0;
        for (int slot = 0; slot < slots; slot++) {
            long frame = memory.firstFrame() + slot;
            boolean used = memory.references(frame) > 0;
            boolean copy = used && memory.isCopy(frame);
            taken += device.slots().taken(slot) ? 1 : 0;
            copies += copy ? 1 : 0;
            expect(slot, "is taken", device.slots().taken(slot) ? 1 : 0, used ? 1 : 0);
            expect(slot, "is in the list of arrivals", arrived[slot], used && !copy ? 1 : 0);
            expect(slot, "is in the list of copies", copied[slot], copy ? 1 : 0);
            expect(slot, "is noted as a copy", device.copies().isNoted(slot) ? 1 : 0, copy ? 1 : 0);
        }
        if (slots - taken != device.freeSlots()) {
            wrong.add(device.name() + " counts " + device.freeSlots() + " slots as free, but " + (slots - taken)
                    + " are");
        }
        if (copies != device.copies().present()) {
            wrong.add(device.name() + " counts " + device.copies().present() + " copies, but has " + copies);
        }
    }

    private void expect(int slot, String what, int times, int wanted) {
        if (times != wanted) {
            wrong.add("slot " + slot + " of " + device.name() + ' ' + what + ' ' + times + " times, not " + wanted);
        }
    }
}
