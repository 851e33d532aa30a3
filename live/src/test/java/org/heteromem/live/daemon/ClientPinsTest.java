package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pins are known by the requests that made them, also by a daemon that took over and is asked again. */
class ClientPinsTest {
    private static final int MOST = 8;

    private final MemoryManager manager = MemoryManager.builder().node(16 << 20).build();
    private final AddressSpace space = manager.createAddressSpace();
    private final long address = space.map(64L * Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
    private final ClientCustody custody = new ClientCustody(null, 1, FailPoints.NONE);
    private final ClientPins pins = new ClientPins(space, custody, FailPoints.NONE);

    @AfterEach
    void close() {
        pins.letGoOf(range(0, 64).address(), range(0, 64).bytes());
        manager.close();
    }

    private ClientPins.Range range(long first, long pages) {
        return new ClientPins.Range(address + first * Page.SIZE, pages * Page.SIZE);
    }

    /** How many more pages may be pinned, which is all that tells how many are. */
    private int room() {
        int room = 0;
        try {
            for (; room <= MOST; room++) {
                pins.pin(1000 + room, List.of(range(32 + room, 1)), MOST);
            }
        } catch (RefusedException e) {
            assertThat(e).hasMessageContaining("at most half of the RAM, " + MOST + " pages");
        }
        pins.letGoOf(range(32, 32).address(), range(32, 32).bytes());
        return room;
    }

    private void takenOver() {
        try (DurableMemory memory = new DurableMemory("test-", FailPoints.NONE)) {
            custody.inherit(List.of(), memory);
        }
    }

    @Test
    void thePinThatIsNamedEnds() {
        assertThat(pins.pin(1, List.of(range(0, 2)), MOST)).isEqualTo(2);
        assertThat(pins.pin(2, List.of(range(0, 2)), MOST)).isEqualTo(2);
        assertThat(pins.unpin(1, List.of(range(0, 2)))).isEqualTo(2);
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> pins.unpin(1, List.of(range(0, 2))))
                .withMessageContaining("were not pinned as such by request 1");
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> pins.unpin(2, List.of(range(0, 1))))
                .withMessageContaining("not pinned as such");
        assertThat(room()).isEqualTo(6);
        pins.unpin(2, List.of(range(0, 2)));
        assertThat(room()).isEqualTo(8);
    }

    @Test
    void anEndThatIsAskedForAgainEndsNoOtherPinOfTheSameRange() {
        takenOver();
        pins.pin(2, List.of(range(0, 2)), MOST);
        pins.unpin(1, List.of(range(0, 2))); // done by the predecessor
        assertThat(room()).isEqualTo(6);
    }

    @Test
    void aPinThatIsAskedForAgainIsCompletedAndCountsOnce() {
        takenOver();
        pins.pin(range(0, 3), custody.pinKey(1, 0)); // as inherited, of two
        assertThat(pins.pin(1, List.of(range(0, 3), range(10, 4)), MOST)).isEqualTo(7);
        assertThat(pins.pin(1, List.of(range(0, 3), range(10, 4)), MOST)).isEqualTo(7);
        assertThat(room()).isEqualTo(1);
        pins.unpin(1, List.of(range(0, 3), range(10, 4)));
        assertThat(room()).isEqualTo(8);
    }

    @Test
    void aPinThatDoesNotFitLeavesNothing() {
        pins.pin(1, List.of(range(0, 3)), MOST);
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> pins.pin(2, List.of(range(4, 3), range(8, 3)), MOST));
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> pins.pin(1, List.of(range(4, 3)), MOST))
                .withMessageContaining("same number");
        assertThat(room()).isEqualTo(5);
    }

    @Test
    void whatIsFreedIsPinnedNoMore() {
        pins.pin(1, List.of(range(0, 2), range(4, 2)), MOST);
        pins.letGoOf(range(1, 3).address(), range(1, 3).bytes());
        assertThat(room()).isEqualTo(6);
    }
}
