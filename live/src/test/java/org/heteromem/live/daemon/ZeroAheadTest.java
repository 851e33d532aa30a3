package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.memory.FrameBudget;
import org.junit.jupiter.api.Test;

/** Which pages are made before they are touched, and for which of them others have to leave; on a region that nobody touches. */
class ZeroAheadTest {
    private static final long BYTES = 4L << 20;
    private static final long PAGES = Page.of(BYTES);

    /** So many frames are free, and so many more each time that room is made. */
    private static final class Frames implements ZeroAhead.Room {
        final long free;
        final int most;
        final int more;
        int asked;

        Frames(long free, int most, int more) {
            this.free = free;
            this.most = most;
            this.more = more;
        }

        @Override
        public long framesToSpare() {
            return asked == 0 ? free : free + more;
        }

        @Override
        public boolean makeRoomAhead() {
            asked++;
            return more > 0;
        }

        @Override
        public int mostAhead() {
            return most;
        }
    }

    /** A program that touches pages. */
    private record Program(AddressSpace space, long address, ZeroAhead ahead) {
        /** {@return whether it stopped for the page} */
        boolean touch(long page) {
            long number = Page.of(address) + page;
            boolean stops = space.fault(Page.address(number), Access.WRITE) == FaultResult.DEMAND_ZERO;
            if (stops) {
                ahead.touched(number);
            }
            return stops;
        }

        int touch(long from, long to) {
            int stops = 0;
            for (long page = from; page < to; page++) {
                stops += touch(page) ? 1 : 0;
            }
            return stops;
        }
    }

    private interface Check {
        void check(Program program, FrameBudget budget);
    }

    private static void with(Frames room, long allocated, Check check) {
        try (LoneRegion lone = new LoneRegion(BYTES)) {
            lone.region.allocated.add(0, allocated);
            AddressSpace space = lone.manager.createAddressSpace(lone.mmu);
            space.mapHomed(lone.region.address, lone.frames, Protection.READ_WRITE);
            check.check(new Program(space, lone.region.address, new ZeroAhead(space, lone.mmu, room)), lone.budget);
            space.exit();
        }
    }

    @Test
    void aProgramThatFillsMemoryStopsOnceForARun() {
        Frames room = new Frames(PAGES, 63, 0);
        with(room, PAGES, (program, budget) -> {
            // Runs of 1, 3, 7, 15, 31, and then 63.
            assertThat(program.touch(0, PAGES)).isBetween((int) PAGES / 64, (int) PAGES / 64 + 7);
            assertThat(room.asked).isZero();
        });
    }

    @Test
    void noSequenceHasMoreThanItsShareOfRam() {
        with(new Frames(PAGES, 4, 0), PAGES, (program, budget) -> {
            program.touch(0, 100);
            assertThat(budget.used()).isBetween(100L, 110L);
        });
    }

    @Test
    void pagesAreMadeWhereFramesAreFreeAndNowhereElse() {
        with(new Frames(5, 63, 0), PAGES, (program, budget) -> {
            program.touch(0, 200);
            assertThat(budget.used()).isBetween(200L, 212L);
        });
        with(new Frames(-3, 63, 0), PAGES, (program, budget) -> {
            assertThat(program.touch(0, 200)).isEqualTo(200);
            assertThat(budget.used()).isEqualTo(200);
        });
        with(new Frames(PAGES, 63, 0), 200, (program, budget) -> {
            program.touch(0, 200);
            assertThat(budget.used()).isEqualTo(200);
        });
    }

    @Test
    void othersLeaveForASequenceThatGoesOn() {
        Frames room = new Frames(-3, 63, 100);
        with(room, PAGES, (program, budget) -> {
            assertThat(program.touch(0, 15)).isEqualTo(15);
            assertThat(room.asked).isZero();
            program.touch(15, 16);
            assertThat(room.asked).isEqualTo(1);
            assertThat(program.touch(16, PAGES)).isLessThan((int) PAGES / 10);
        });
    }

    @Test
    void nothingLeavesForAFewPagesHereAndThere() {
        Frames room = new Frames(-3, 63, 100);
        with(room, PAGES, (program, budget) -> {
            for (long at = 0; at < PAGES; at += 20) {
                program.touch(at, Math.min(at + 14, PAGES));
            }
            for (long at = PAGES - 1; at > 0; at--) {
                program.touch(at);
            }
            assertThat(room.asked).isZero();
        });
    }

    @Test
    void nothingLeavesForPagesThatCannotBeMade() {
        Frames room = new Frames(-3, 63, 100);
        with(room, 15, (program, budget) -> {
            program.touch(0, 100);
            assertThat(room.asked).isZero();
        });
    }

    /** Whoever cannot make room says so himself; a fill goes on, a page at a time. */
    @Test
    void aFillGoesOnWhereNothingCanLeave() {
        Frames room = new Frames(0, 63, 0);
        with(room, PAGES, (program, budget) -> {
            assertThat(program.touch(0, 100)).isEqualTo(100);
            assertThat(room.asked).isPositive();
        });
    }
}
