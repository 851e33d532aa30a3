package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.Userfault;
import org.junit.jupiter.api.Test;

/** What a page on its way home leaves behind for a successor, on a region of this process that nobody touches. */
class LiveMmuTest {
    private static final long BYTES = 2L << 20;
    private static final long INDEX = 5;
    private static final long ELSEWHERE = 1;

    private interface Check {
        void check(LiveMmu mmu, Region region, PageMoves home);
    }

    private static void withAPageOnItsWayHome(Check check) {
        LiveMmu mmu = new LiveMmu(
                (region, page, call, errno) -> {
                    throw new AssertionError(call + " on page " + page + ": " + errno);
                },
                FailPoints.NONE);
        try (MemoryManager manager = MemoryManager.builder()
                        .node(MemoryManager.MIN_NODE_BYTES)
                        .build();
                Arena arena = Arena.ofConfined()) {
            Memfd memory = Memfd.create("region", BYTES);
            Mapping mapping = Mapping.sharedAligned(memory, 0, BYTES, 2 << 20);
            Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
            faults.register(
                    mapping.address(), BYTES, Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP);
            Placements placements = new Placements(Page.of(mapping.address()));
            HomedMemory frames = manager.addHomedMemory(
                    "region", new LiveStore(memory, BYTES, placements), new FrameBudget(Page.of(BYTES), 0));
            try (mapping;
                    Region region = new Region(
                            1,
                            "r",
                            mapping.address(),
                            BYTES,
                            memory,
                            faults,
                            Ledger.create("ledger", Page.of(BYTES)),
                            placements,
                            frames)) {
                mmu.add(region);
                region.ledger.onDevice(INDEX, 0, 77);
                MemorySegment contents = arena.allocate(Page.SIZE, Page.SIZE).fill((byte) 7);
                placements.take(INDEX, contents, 0, Page.SIZE);
                check.check(
                        mmu,
                        region,
                        new PageMoves.Single(
                                Page.of(mapping.address()) + INDEX, ELSEWHERE, frames.firstFrame() + INDEX, true));
            }
        }
    }

    @Test
    void aPageThatWasPlacedIsNotOnItsDeviceAnyMore() {
        withAPageOnItsWayHome((mmu, region, home) -> {
            mmu.relocate(home);
            assertThat(region.memory.nextData(0)).isEqualTo(Page.address(INDEX));
            assertThat(region.ledger.isOnDevice(INDEX)).isFalse();
            assertThat(region.placements.address(INDEX)).isZero();
        });
    }

    /** Or its contents would be zeros for whoever takes over. */
    @Test
    void aPageThatWasNotPlacedStaysOnItsDevice() {
        withAPageOnItsWayHome((mmu, region, home) -> {
            mmu.setGone();
            mmu.relocate(home);
            assertThat(region.memory.nextData(0)).isNegative();
            assertThat(region.ledger.isOnDevice(INDEX)).isTrue();
            assertThat(region.ledger.frame(INDEX)).isEqualTo(77);
            assertThat(region.placements.address(INDEX)).isZero();
        });
    }
}
