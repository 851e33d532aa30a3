package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is marked as lost is a bus error until it is given up, and nothing else changes. */
class PoisonTest {
    private static final long PAGES = 8;

    private final MemoryManager manager =
            MemoryManager.builder().node(Page.address(64)).build();
    private final AddressSpace space = manager.createAddressSpace();
    private final long at = space.map(Page.address(PAGES), Protection.READ_WRITE, Sharing.PRIVATE);

    @AfterEach
    void nothingIsLeft() {
        StateChecker.of(manager).assertSound();
        manager.close();
    }

    private FaultResult touch(AddressSpace of, long page) {
        return of.fault(at + Page.address(page), Access.READ);
    }

    @Test
    void aPageThatIsNowhereIsABusErrorAndOneThatIsSomewhereStays() {
        assertThat(space.fault(at + Page.SIZE, Access.WRITE)).isInstanceOf(FaultResult.Done.class);
        assertThat(space.poison(at, Page.address(3))).isEqualTo(2);
        assertThat(touch(space, 0)).isInstanceOf(FaultResult.Bus.class);
        assertThat(touch(space, 1)).isInstanceOf(FaultResult.Done.class);
        assertThat(touch(space, 2)).isInstanceOf(FaultResult.Bus.class);
        assertThat(touch(space, 3)).isInstanceOf(FaultResult.Done.class);
        assertThat(Inspector.pages(space, at, 4))
                .extracting(page -> page.kind() == PageKind.LOST)
                .containsExactly(true, false, true, false);
        // Once more is no more.
        assertThat(space.poison(at, Page.address(3))).isZero();
    }

    @Test
    void itCannotBePinned() {
        space.poison(at + Page.SIZE, Page.SIZE);
        assertThatExceptionOfType(MemoryException.class)
                .isThrownBy(() -> Pins.pinLongTerm(space, at, 2, Access.WRITE).close());
    }

    @Test
    void givenUpItIsZerosAgain() {
        space.poison(at, Page.SIZE);
        space.advise(at, Page.SIZE, Advice.DONTNEED);
        assertThat(touch(space, 0)).isInstanceOf(FaultResult.Done.class);
    }

    @Test
    void aChildHasItToo() {
        space.poison(at, Page.SIZE);
        AddressSpace child = space.fork();
        assertThat(touch(child, 0)).isInstanceOf(FaultResult.Bus.class);
        child.exit();
        assertThat(touch(space, 0)).isInstanceOf(FaultResult.Bus.class);
    }

    @Test
    void whatIsNotMappedIsSaidAndTheRestIsMarked() {
        assertThatExceptionOfType(MemoryException.class)
                .isThrownBy(() -> space.poison(at + Page.address(PAGES - 1), Page.address(2)))
                .withMessageContaining("ENOMEM");
        assertThat(touch(space, PAGES - 1)).isInstanceOf(FaultResult.Bus.class);
    }
}
