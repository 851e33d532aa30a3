package org.heteromem.live.daemon;

import org.heteromem.core.Page;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Userfault;

/** Memory that a client has registered: where it is, what serves it, and the core's view of it. */
final class Region implements AutoCloseable {
    /** The client's number for it. */
    final int id;

    final String name;
    final long address;
    final long bytes;
    final Memfd memory;
    final Userfault faults;
    final Ledger ledger;
    final Placements placements;
    final HomedMemory frames;
    /** What of it is in use, as the client says; guarded by the session. */
    final PageSet allocated;
    /** Pages whose touch may be a SIGBUS, because their contents were lost; guarded by itself. */
    final PageSet poisoned;

    Region(
            int id,
            String name,
            long address,
            long bytes,
            Memfd memory,
            Userfault faults,
            Ledger ledger,
            Placements placements,
            HomedMemory frames) {
        this.id = id;
        this.name = name;
        this.address = address;
        this.bytes = bytes;
        this.memory = memory;
        this.faults = faults;
        this.ledger = ledger;
        this.placements = placements;
        this.frames = frames;
        this.allocated = ledger.allocated();
        this.poisoned = ledger.poisoned();
    }

    boolean contains(long anyAddress) {
        return Long.compareUnsigned(anyAddress - address, bytes) < 0;
    }

    boolean meets(long from, long length) {
        return from < address + bytes && address < from + length;
    }

    /** Number within the region of a page of the client's address space. */
    long index(long page) {
        return page - Page.of(address);
    }

    /** Takes the kernel's side down; the core's side has been unmapped before. */
    @Override
    public void close() {
        faults.close();
        memory.close();
        ledger.close();
    }

    @Override
    public String toString() {
        return "region " + id + (name.isEmpty() ? "" : " '" + name + "'") + " at 0x" + Long.toHexString(address) + "+"
                + bytes;
    }
}
