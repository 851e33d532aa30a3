package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.heteromem.core.Page;
import org.heteromem.live.natives.Memfd;
import org.junit.jupiter.api.Test;

/** What is read here becomes a page's only copy. */
class LiveStoreTest {
    private static final int PAGES = 64;

    @Test
    void aBatchIsReadAsTheProcessWroteItAndAHoleAsZeros() {
        try (Memfd memory = Memfd.create("region", Page.address(PAGES));
                LiveStore store = new LiveStore(memory, Page.address(PAGES), new Placements(0));
                Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(Page.SIZE, Page.SIZE);
            for (int round = 1; round <= 2; round++) {
                for (int i = 0; i < PAGES; i += 2) {
                    memory.write(Page.address(i), page.fill((byte) (round * i)));
                }
                MemorySegment read = arena.allocate(Page.address(PAGES + 1), Page.SIZE);
                store.read(0, read, Page.SIZE, Page.address(PAGES));
                for (int i = 0; i < PAGES; i++) {
                    byte expected = (byte) (i % 2 == 0 ? round * i : 0);
                    assertThat(read.asSlice(Page.address(i + 1), Page.SIZE).toArray(ValueLayout.JAVA_BYTE))
                            .containsOnly(expected);
                }
                memory.punchHole(0, Page.address(PAGES));
            }
        }
    }

    @Test
    void aPageThatTheKernelCannotBringIsAnErrorThatSaysWhere() {
        try (Memfd memory = Memfd.create("region", Page.address(PAGES));
                LiveStore store = new LiveStore(memory, Page.address(PAGES), new Placements(0));
                Arena arena = Arena.ofConfined()) {
            MemorySegment read = arena.allocate(Page.SIZE, Page.SIZE);
            // Regions are sealed against this; it stands for a page that cannot be read.
            memory.truncate(Page.address(PAGES / 2));
            assertThatIllegalStateException()
                    .isThrownBy(() -> store.read(Page.address(PAGES - 1), read, 0, Page.SIZE))
                    .withMessageContaining("offset " + Page.address(PAGES - 1));
        }
    }
}
