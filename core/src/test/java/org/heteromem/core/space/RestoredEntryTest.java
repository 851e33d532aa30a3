package org.heteromem.core.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.migrate.Migration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a page's entry says besides where the page is, it says after a migration too, whether the page went or stayed. */
class RestoredEntryTest {
    private final MemoryManager manager =
            MemoryManager.builder().node(1 << 20).node(1 << 20).build();
    private final FrameTable frames = manager.machine().frames;
    private final AddressSpace space = manager.createAddressSpace();
    private final Cpu cpu = space.newCpu();
    private final long base = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);

    enum Past {
        WRITTEN,
        NOT_USED_OF_LATE,
        PROTECTED,
        SHARED_BY_A_FORK,
        LEFT_ALONE_AFTER_A_FORK
    }

    private void writePageWith(Past past) {
        cpu.storeLong(base, 42);
        switch (past) {
            case WRITTEN -> assertThat(PteLayout.dirty(entry())).isTrue();
            case NOT_USED_OF_LATE -> space.advise(base, Page.SIZE, Advice.COLD);
            case PROTECTED -> space.protect(base, Page.SIZE, Protection.READ);
            case SHARED_BY_A_FORK -> assertThat(space.fork().areas()).hasSize(1);
            case LEFT_ALONE_AFTER_A_FORK -> space.fork().exit();
        }
    }

    private long entry() {
        return space.mm().pageTable().entry(Page.of(base));
    }

    private Migration setup() {
        return Migration.setup(space, base, Page.SIZE, Set.of(Migration.Select.SYSTEM), this);
    }

    @ParameterizedTest
    @EnumSource
    void aPageThatStaysIsMappedAsBefore(Past past) {
        writePageWith(past);
        long before = entry();
        int flags = frames.flags(PteLayout.frame(before));
        long counts = frames.counts(PteLayout.frame(before));

        try (Migration m = setup()) {
            assertThat(m.collected()).isOne();
            assertThat(PteLayout.kind(entry())).isEqualTo(PteLayout.MIGRATION);
        }

        assertThat(PteLayout.describe(entry())).isEqualTo(PteLayout.describe(before));
        assertThat(entry()).isEqualTo(before);
        assertThat(frames.flags(PteLayout.frame(before)) | Frames.DIRTY).isEqualTo(flags | Frames.DIRTY);
        assertThat(frames.counts(PteLayout.frame(before))).isEqualTo(counts);
        StateChecker.assertSound(manager);
    }

    @ParameterizedTest
    @EnumSource
    void aPageThatGoesIsMappedAsBeforeAtItsNewPlace(Past past) {
        writePageWith(past);
        long before = entry();
        int flags = frames.flags(PteLayout.frame(before));

        try (Migration m = setup()) {
            assertThat(m.allocateRam(0, manager.nodes().get(1))).isTrue();
            m.copy(0);
            assertThat(m.migrate()).isOne();
        }

        long after = entry();
        assertThat(PteLayout.frame(after)).isNotEqualTo(PteLayout.frame(before));
        assertThat(after & ~PteLayout.make(0, PteLayout.frame(after), 0))
                .isEqualTo(before & ~PteLayout.make(0, PteLayout.frame(before), 0));
        assertThat(frames.flags(PteLayout.frame(after)) & Frames.ANON_EXCLUSIVE)
                .isEqualTo(flags & Frames.ANON_EXCLUSIVE);
        StateChecker.assertSound(manager);
    }

    /** Shared memory refers to its pages itself: that is nobody who holds a page. */
    @Test
    void aPageOfSharedMemoryGoesForAllWhoMapIt() {
        long shared = space.map(Page.SIZE, Protection.READ_WRITE, Sharing.SHARED);
        cpu.storeLong(shared, 42);
        AddressSpace child = space.fork();
        child.fault(shared, Access.READ);
        try (Migration m = Migration.setup(space, shared, Page.SIZE, Set.of(Migration.Select.SYSTEM), this)) {
            assertThat(m.allocateRam(0, manager.nodes().get(1))).isTrue();
            m.copy(0);
            assertThat(m.migrate()).isOne();
        }
        assertThat(Inspector.pages(child, shared, 1)[0].memory()).isEqualTo("node1");
        cpu.storeLong(shared, 43);
        try (Cpu other = child.newCpu()) {
            assertThat(other.loadLong(shared)).isEqualTo(43);
        }
        StateChecker.assertSound(manager);
    }
}
