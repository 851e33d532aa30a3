package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.heteromem.core.Page;
import org.heteromem.core.mmu.PageMoves;
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
        try (LoneRegion lone = new LoneRegion(BYTES);
                Arena arena = Arena.ofConfined()) {
            Region region = lone.region;
            region.ledger.onDevice(INDEX, 0, 77);
            MemorySegment contents = arena.allocate(Page.SIZE, Page.SIZE).fill((byte) 7);
            region.placements.take(INDEX, contents, 0, Page.SIZE);
            check.check(
                    lone.mmu,
                    region,
                    new PageMoves.Single(
                            Page.of(region.address) + INDEX, ELSEWHERE, lone.frames.firstFrame() + INDEX, true));
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
