package org.heteromem.live.daemon;

import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.Userfault;

/** A region of this process that nobody touches, its frames and what drives its tables. */
final class LoneRegion implements AutoCloseable {
    final LiveMmu mmu;
    final MemoryManager manager =
            MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build();
    final FrameBudget budget;
    final HomedMemory frames;
    final Region region;
    private final Mapping mapping;

    LoneRegion(long bytes) {
        this(bytes, 0, (region, page, call, errno) -> {
            throw new AssertionError(call + " on page " + page + ": " + errno);
        });
    }

    /** One whose userfaultfd tells of more than faults, and somebody who hears what the kernel refuses. */
    LoneRegion(long bytes, long events, LiveMmu.Troubles troubles) {
        mmu = new LiveMmu(troubles, FailPoints.NONE);
        Memfd memory = Memfd.create("region", bytes);
        mapping = Mapping.sharedAligned(memory, 0, bytes, 2 << 20);
        Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES | events);
        faults.register(mapping.address(), bytes, Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP);
        Placements placements = new Placements(Page.of(mapping.address()));
        budget = new FrameBudget(Page.of(bytes), 0);
        frames = manager.addHomedMemory("region", new LiveStore(memory, bytes, placements), budget);
        region = new Region(
                1,
                "r",
                mapping.address(),
                bytes,
                memory,
                faults,
                Ledger.create("ledger", Page.of(bytes)),
                placements,
                frames);
        mmu.add(region);
    }

    @Override
    public void close() {
        region.close();
        mapping.close();
        manager.close();
    }
}
