package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.core.Page;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Uffdio;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a page on its way home leaves behind for a successor, on a region of this process that nobody touches. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveMmuTest {
    private static final long BYTES = 2L << 20;
    private static final long INDEX = 5;
    private static final long ELSEWHERE = 1;
    /** UFFD_FEATURE_EVENT_REMOVE. */
    private static final long REMOVALS = 1 << 3;

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

    /** Its place on the device is about to be another page's. */
    @Test
    void aLostPageHasNoPlaceAndIsKnownToBeLost() {
        try (LoneRegion lone = new LoneRegion(BYTES)) {
            lone.region.ledger.onDevice(INDEX, 0, 77);
            lone.mmu.lost(Page.of(lone.region.address) + INDEX);
            assertThat(lone.region.ledger.isOnDevice(INDEX)).isFalse();
            assertThat(lone.region.poisoned.count(INDEX, 1)).isOne();
        }
    }

    /** A client can have the kernel say that it shall be asked again, for ever. */
    @Test
    void aKernelThatNeverDoesWhatItIsAskedIsAskedForSecondsOnly() throws InterruptedException {
        AtomicInteger refused = new AtomicInteger();
        try (LoneRegion lone = new LoneRegion(BYTES, REMOVALS, (region, page, call, errno) -> refused.set(errno))) {
            // It waits until somebody reads of it, which nobody does; and the kernel changes nothing meanwhile.
            Thread remover = Thread.ofPlatform()
                    .start(() -> RawCalls.advise(lone.region.address, Page.SIZE, RawCalls.MADV_REMOVE));
            try {
                while (!refusesNow(lone.region)) {
                    TimeUnit.MILLISECONDS.sleep(1);
                }
                lone.mmu.stopWriters(Page.of(lone.region.address) + INDEX, 1);
                assertThat(refused).hasValue(Errno.EAGAIN);
                assertThat(lone.mmu.isGone()).isTrue();
                lone.mmu.fill(Page.of(lone.region.address) + INDEX, 0, true);
            } finally {
                lone.region.faults.close();
                remover.join();
            }
        }
    }

    private static boolean refusesNow(Region region) {
        return region.faults.tryWriteProtect(region.address, Page.SIZE, Uffdio.PROTECT_WP) == -Errno.EAGAIN;
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
