package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.junit.jupiter.api.Test;

/** What executes a process is told of changes, and in time: what it may rely on is seen from its side. */
class MmuPortTest {
    /** Has no translations, so nobody ever waits for it. */
    private static class IdleMmu implements Mmu {
        @Override
        public void revoke(long page) {}

        @Override
        public void stopWriters(long firstPage, long pages) {}

        @Override
        public void drop(long firstPage, long pages) {}

        @Override
        public void relocate(PageMoves moves) {}

        @Override
        public void allowStores(long page) {}

        @Override
        public void fill(long page, long frame, boolean writable) {}
    }

    private final MemoryManager manager =
            MemoryManager.builder().node(Page.address(16)).build();
    private final FrameTable frames = manager.machine().frames;

    /** A store that was under way when the parent lost the right to write has landed when the fork is done. */
    @Test
    void aForkWaitsForTheStoresOfTheParent() {
        List<Long> waitedFor = new ArrayList<>();
        AddressSpace space = manager.createAddressSpace(new IdleMmu() {
            @Override
            public void stopWriters(long firstPage, long pages) {
                LongStream.range(firstPage, firstPage + pages).forEach(waitedFor::add);
            }
        });
        long a = space.map(Page.address(2), Protection.READ_WRITE, Sharing.PRIVATE);
        space.fault(a + Page.SIZE, Access.WRITE);
        waitedFor.clear();

        space.fork();

        assertThat(waitedFor).contains(Page.of(a) + 1);
    }

    /** Who takes a page by its frame copies it next: in all processes that map it stores must have ended. */
    @Test
    void aPageTakenByItsFrameHasNoStoreUnderWay() {
        List<Long> waitedFor = new ArrayList<>();
        AddressSpace space = manager.createAddressSpace(new IdleMmu() {
            @Override
            public void stopWriters(long firstPage, long pages) {
                LongStream.range(firstPage, firstPage + pages).forEach(waitedFor::add);
            }
        });
        long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        space.fault(a, Access.WRITE);
        long frame = Inspector.pages(space, a, 1)[0].frame();
        waitedFor.clear();

        try (Migration m = Migration.ofFrames(manager, new long[] {frame})) {
            assertThat(m.collected()).isOne();
            assertThat(waitedFor).containsExactly(Page.of(a));
        }
    }

    /** Until the last translation is gone, threads of the process reach the frame: nobody else may get it before. */
    @Test
    void aFrameIsLetGoOnlyWhenNoThreadCanReachIt() {
        long[] frame = {0};
        List<Integer> held = new ArrayList<>();
        AddressSpace space = manager.createAddressSpace(new IdleMmu() {
            @Override
            public void drop(long firstPage, long pages) {
                held.add(frames.references(frame[0]));
            }
        });
        long a = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        List<Runnable> ends = List.of(
                () -> space.advise(a, Page.SIZE, Advice.DONTNEED),
                () -> space.advise(a, Page.SIZE, Advice.GUARD_INSTALL),
                () -> space.unmap(a, Page.SIZE),
                space::exit);
        for (Runnable end : ends) {
            if (space.areas().isEmpty()) {
                space.mapAt(a, Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
            }
            space.advise(a, Page.SIZE, Advice.GUARD_REMOVE);
            space.fault(a, Access.WRITE);
            frame[0] = Inspector.pages(space, a, 1)[0].frame();
            held.clear();
            end.run();
            assertThat(held).containsOnly(1);
            assertThat(frames.references(frame[0])).isZero();
        }
    }
}
