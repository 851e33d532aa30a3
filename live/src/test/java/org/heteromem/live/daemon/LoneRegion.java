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
    final LiveMmu mmu = new LiveMmu(
            (region, page, call, errno) -> {
                throw new AssertionError(call + " on page " + page + ": " + errno);
            },
            FailPoints.NONE);
    final MemoryManager manager =
            MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build();
    final FrameBudget budget;
    final HomedMemory frames;
    final Region region;
    private final Mapping mapping;

    LoneRegion(long bytes) {
        Memfd memory = Memfd.create("region", bytes);
        mapping = Mapping.sharedAligned(memory, 0, bytes, 2 << 20);
        Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
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
