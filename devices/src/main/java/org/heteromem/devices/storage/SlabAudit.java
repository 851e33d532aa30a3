package org.heteromem.devices.storage;

import java.util.ArrayList;
import java.util.List;

/** Compares the slots that an index names with those that the slabs say are taken. */
final class SlabAudit {
    private final String name;
    private final Slabs slabs;
    private final List<String> wrong = new ArrayList<>();
    private long slots;
    private long bytes;

    SlabAudit(String name, Slabs slabs) {
        this.name = name;
        this.slabs = slabs;
    }

    /** The index says that a page is in a slot. */
    void slot(long page, long offset, int slotClass) {
        slots++;
        bytes += SlotLayout.slotBytes(slotClass);
        if (!slabs.taken(offset, slotClass)) {
            wrong.add("page " + page + " of " + name + " is in the slot at 0x" + Long.toHexString(offset)
                    + ", which is free");
        }
    }

    List<String> wrong() {
        if (slabs.takenSlots() != slots) {
            wrong.add(name + " has " + slots + " pages in slots, but its slabs say " + slabs.takenSlots());
        }
        if (slabs.bytesUsed() != bytes) {
            wrong.add(name + " has " + bytes + " bytes of slots in use, but counts " + slabs.bytesUsed());
        }
        return wrong;
    }
}
