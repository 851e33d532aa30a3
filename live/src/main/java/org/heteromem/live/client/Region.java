package org.heteromem.live.client;

import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.Wire;

/**
 * A piece of the program's address space whose faults the daemon serves: a sealed memfd, mapped shared, and the userfaultfd
 * that watches it.
 *
 * <p>The userfaultfd stays open here for the region's life: if its last descriptor closed, threads that wait in faults
 * would read zeros.
 */
final class Region {
    /** Whole blocks of what page tables cover at once. */
    static final long ALIGNMENT = 2L << 20;

    private static final int MODES = Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP;

    final int id;
    final Memfd memory;
    final Mapping mapping;
    final Userfault faults;

    /** Pages that no arena owns; guarded by the pool. */
    final FreeRuns free;

    private Region(int id, Memfd memory, Mapping mapping, Userfault faults) {
        this.id = id;
        this.memory = memory;
        this.mapping = mapping;
        this.faults = faults;
        this.free = new FreeRuns(mapping.address() / Wire.PAGE_BYTES, mapping.length() / Wire.PAGE_BYTES);
    }

    /**
     * Makes one; the daemon does not know it yet, and nobody may touch it before it does.
     *
     * @param bytes multiple of {@link #ALIGNMENT}
     * @param alignment of its address, a power of two, at least {@link #ALIGNMENT}
     * @throws org.heteromem.live.natives.NativeException ENOMEM without room in the address space, EMFILE without
     *     descriptors
     */
    static Region create(int id, long bytes, long alignment) {
        Memfd memory = Memfd.create("heteromem-" + id, bytes);
        Mapping mapping = null;
        Userfault faults = null;
        try {
            memory.addSeals(Memfd.REGION_SEALS);
            mapping = Mapping.withoutAccess(memory, 0, bytes, alignment);
            // A forked child would read evicted pages as zeros and fill the file with them.
            mapping.advise(Mapping.Advice.DONTFORK);
            mapping.refuseHugePages();
            faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
            faults.register(mapping.address(), mapping.length(), MODES);
            // Not before: a page that comes without a fault is one that the daemon does not know of.
            mapping.allowAccess();
            return new Region(id, memory, mapping, faults);
        } catch (RuntimeException e) {
            if (faults != null) {
                faults.close();
            }
            if (mapping != null) {
                mapping.close();
            }
            memory.close();
            throw e;
        }
    }

    long address() {
        return mapping.address();
    }

    long bytes() {
        return mapping.length();
    }

    /** Unmaps it; nobody may be using it. */
    void close() {
        // The mapping goes first: while it is there, a descriptor must be.
        mapping.close();
        faults.close();
        memory.close();
    }
}
