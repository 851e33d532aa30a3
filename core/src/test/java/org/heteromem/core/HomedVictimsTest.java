package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.WorkingSetFigures;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.core.policy.PageList;
import org.junit.jupiter.api.Test;

/** Who leaves RAM whose frames are given by addresses: by age, by what the policy makes of misses, by what it sees of uses. */
class HomedVictimsTest extends HomedFixture {
    @Test
    void theColdestAreTheOldest() {
        touch(5);
        touch(1);
        touch(9);
        assertThat(manager.coldFrames(memory, 2)).containsExactly(memory.firstFrame() + 5, memory.firstFrame() + 1);
    }

    private long[] frames(int... pages) {
        return Arrays.stream(pages)
                .mapToLong(page -> memory.firstFrame() + page)
                .toArray();
    }

    @Test
    void aPageThatIsMissedSoonIsProtectedWhereThePolicySaysSo() {
        touch(0);
        touch(1);
        evict(0, 1);
        evict(1, 1);
        victims.answer = PageList.ACTIVE;
        touch(0);
        assertThat(victims.heard).containsExactly("1 after INACTIVE, 0+0 of 8");
        touch(2);
        touch(3);
        assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(2, 3));
        assertThat(manager.coldFrames(memory, 8))
                .as("the other list makes up for what is missing, and nothing comes twice")
                .containsExactly(frames(2, 3, 0));
        victims.fromActive = 1;
        assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(0, 2));
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(1, 2, 0, 2, 1, 1, 0, 0));
    }

    @Test
    void aPolicyThatThrowsCostsAPageItsPlaceAndNothingElse() {
        touch(0);
        touch(1);
        evict(0, 2);
        victims.broken = true;
        touch(0);
        victims.broken = false;
        touch(1);
        assertThat(StateChecker.check(manager)).isEmpty();
        assertThatThrownBy(() -> manager.coldFrames(memory, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("no list");
        assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(0, 1));
        assertThat(evict(0, 2)).isEqualTo(2);
    }

    @Test
    void thePolicyHearsWhereAnEvictedPageHadBeen() {
        touch(0);
        evict(0, 1);
        victims.answer = PageList.ACTIVE;
        touch(0);
        evict(0, 1);
        victims.answer = PageList.INACTIVE;
        touch(0);
        touch(1);
        evict(0, 1);
        touch(0);
        assertThat(victims.heard)
                .containsExactly(
                        "0 after INACTIVE, 0+0 of 8", "0 after ACTIVE, 0+0 of 8", "0 after INACTIVE, 0+1 of 8");
    }

    /** The first pages, of which the oldest two are watched. */
    private void watchTwoOf(int pages) {
        for (int page = 0; page < pages; page++) {
            touch(page);
        }
        victims.window = 2;
        told.clear();
        assertThat(manager.watch(space, memory, PAGES)).isEqualTo(2);
        assertThat(manager.watch(space, memory, PAGES)).isZero();
    }

    private long watched() {
        return ((HomedNode) memory).watchedPages(PageList.INACTIVE);
    }

    @Test
    void onlyWhatIsWatchedAndNotUsedIsKnownToBeIdle() {
        touch(0);
        touch(1);
        assertThat(manager.idleFrames(memory, PAGES)).as("nobody has looked").isEmpty();
        watchTwoOf(4);
        touch(1);
        assertThat(manager.idleFrames(memory, PAGES)).containsExactly(frames(0));
        assertThat(manager.coldFrames(memory, PAGES)).containsExactly(frames(2, 3, 1, 0));
        assertThatThrownBy(() -> manager.idleFrames(memory, 0)).hasMessageContaining("0 frames");
    }

    @Test
    void aPolicyThatThrowsWhenAskedForAWindowWatchesNothing() {
        touch(0);
        victims.window = -1;
        assertThat(manager.watch(space, memory, PAGES)).isZero();
        victims.window = 0;
        assertThatThrownBy(() -> manager.coldFrames(memory, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("no window");
    }

    @Test
    void memoryThatIsGoneIsNotWatched() {
        HomedMemory other = manager.addHomedMemory("other", new ArenaStore(Page.SIZE), budget);
        manager.removeHomedMemory(other);
        victims.window = 2;
        assertThat(manager.watch(space, other, PAGES)).isZero();
        assertThat(manager.idleFrames(other, 1)).isEmpty();
        assertThat(manager.coldFrames(other, 1))
                .as("it may go while somebody looks")
                .isEmpty();
    }

    /** It is not idle any more then, and its process's table may not have it. */
    @Test
    void whatWasWatchedBeforeItWasPinnedIsMappedAgainWhenItIsUsed() {
        watchTwoOf(2);
        try (PageReferences _ = Pins.pinLongTerm(space, at(0), 1, Access.WRITE)) {
            assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(1));
            assertThat(space.fault(at(0), Access.READ)).isEqualTo(FaultResult.SPURIOUS);
            assertThat(space.mapAgain(at(0))).isEqualTo(FaultResult.IDLE);
            assertThat(told).last().isEqualTo("used 0 writable");
        }
    }

    @Test
    void whatIsWatchedAndUsedBecomesTheNewest() {
        watchTwoOf(4);
        assertThat(watched()).isEqualTo(2);
        assertThat(space.fault(at(0), Access.READ)).isEqualTo(FaultResult.IDLE);
        assertThat(space.fault(at(0), Access.READ)).as("once only").isEqualTo(FaultResult.SPURIOUS);
        assertThat(space.fault(at(3), Access.WRITE)).as("not watched").isEqualTo(FaultResult.SPURIOUS);
        assertThat(told).containsExactly("idle 0 1", "used 0 writable");
        assertThat(victims.heard).containsExactly("use of 0");
        assertThat(watched()).isOne();
        assertThat(StateChecker.check(manager)).isEmpty();
        assertThat(manager.watch(space, memory, PAGES))
                .as("another one in its place")
                .isOne();
        assertThat(told).last().isEqualTo("idle 2");
        assertThat(budget.workingSet().watched()).isEqualTo(3);
        assertThat(budget.workingSet().accesses()).isOne();
        assertThat(manager.coldFrames(memory, 4)).containsExactly(frames(1, 2, 3, 0));
    }

    @Test
    void whatIsUsedButDoesNotCountLeavesInItsTurn() {
        watchTwoOf(3);
        victims.renews = false;
        touch(0);
        assertThat(space.fault(at(0), Access.READ)).as("seen once").isEqualTo(FaultResult.SPURIOUS);
        assertThat(victims.heard).containsExactly("use of 0");
        assertThat(told).containsExactly("idle 0 1", "used 0 writable");
        assertThat(watched()).isEqualTo(2);
        assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(0, 1));
    }

    @Test
    void aPolicyThatThrowsAtAUseIsNotMissedByWhoFaults() {
        watchTwoOf(3);
        victims.broken = true;
        assertThat(space.fault(at(0), Access.READ)).isEqualTo(FaultResult.IDLE);
        assertThatThrownBy(() -> manager.coldFrames(memory, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("no answer");
        assertThat(manager.coldFrames(memory, 3)).containsExactly(frames(1, 2, 0));
    }

    @Test
    void whatIsPinnedStaysMapped() {
        touch(0);
        try (PageReferences _ = Pins.pinLongTerm(space, at(0), 1, Access.WRITE)) {
            watchTwoOf(3);
            assertThat(told).containsExactly("idle 1");
        }
    }

    @Test
    void whatIsThereIsMappedAgainWhoeverHoldsIt() {
        touch(0);
        touch(1);
        evict(1, 1);
        try (PageReferences _ = Pins.pinLongTerm(space, at(0), 1, Access.WRITE)) {
            told.clear();
            assertThat(space.mapAgain(at(0) + 17)).isEqualTo(FaultResult.IDLE);
            assertThat(told).containsExactly("used 0 writable");
        }
        assertThat(space.mapAgain(at(1))).as("on the device").isEqualTo(FaultResult.SPURIOUS);
        assertThat(space.mapAgain(at(2))).as("never touched").isEqualTo(FaultResult.SPURIOUS);
        assertThat(space.mapAgain(at(PAGES))).as("in no area").isEqualTo(FaultResult.SPURIOUS);
        assertThat(told).hasSize(1);
    }

    @Test
    void aCleanPageIsMappedForLoadsAgainWhenItIsUsed() {
        keepsCopies = true;
        touch(0);
        evict(0, 1);
        touch(0);
        watchTwoOf(1 + 1);
        assertThat(space.fault(at(0), Access.WRITE))
                .as("a store first makes it its own")
                .isEqualTo(FaultResult.REUSE);
        assertThat(space.fault(at(0), Access.WRITE)).isEqualTo(FaultResult.IDLE);
        assertThat(told).containsExactly("idle 0 1", "stores 0", "used 0 writable");
        evict(1, 1);
        touch(1);
        told.clear();
        assertThat(manager.watch(space, memory, PAGES)).isEqualTo(2);
        touch(1);
        assertThat(told).last().isEqualTo("used 1");
    }

    @Test
    void whatIsWatchedMayLeaveAndGo() {
        watchTwoOf(4);
        evict(0, 1);
        assertThat(watched()).isOne();
        space.advise(at(1), Page.SIZE, Advice.DONTNEED);
        assertThat(watched()).isZero();
        assertThat(StateChecker.check(manager)).isEmpty();
        touch(0);
        assertThat(victims.heard)
                .as("a page that comes home is not watched")
                .containsExactly("0 after INACTIVE, 0+2 of 8");
        assertThat(manager.watch(space, memory, 1)).isOne();
        assertThat(told).last().isEqualTo("idle 2");
        assertThatThrownBy(() -> manager.watch(space, memory, 0)).hasMessageContaining("0 pages");
    }

    /** Pages 0, 1 and 2 are there; a reader has missed 1, and gone past it to miss 2. */
    private void readInSequence() {
        touch(0);
        touch(1);
        touch(2);
        evict(1, 2);
        touch(1);
        behind = 1;
        touch(2);
    }

    @Test
    void whatASequentialReaderHasGonePastLeavesFirst() {
        readInSequence();
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(0, 2, 1, 2, 2, 0, 0, 0));
        assertThat(manager.coldFrames(memory, 3)).containsExactly(frames(1, 0, 2));
        assertThat(StateChecker.check(manager)).isEmpty();
        evict(1, 1);
        assertThat(budget.workingSet().behind()).isZero();
        touch(1);
        assertThat(victims.heard).last().isEqualTo("0 after BEHIND, 0+2 of 8");
        space.advise(at(0), 3 * Page.SIZE, Advice.DONTNEED);
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(0, 0, 0, 3, 3, 0, 0, 0));
    }

    @Test
    void whatCameBackSoonIsNotLeftBehindAgain() {
        readInSequence();
        evict(1, 2);
        victims.answer = PageList.ACTIVE;
        behind = 0;
        touch(1);
        behind = 1;
        touch(2);
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(2, 1, 0, 4, 4, 2, 0, 0));
        space.advise(at(1), Page.SIZE, Advice.COLD);
        assertThat(manager.coldFrames(memory, 3)).containsExactly(frames(1, 0, 2));
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    @Test
    void whoHoldsAPageThatWasLeftBehindIsNotAskedAgainAndAgain() {
        readInSequence();
        try (PageReferences held = Pins.pin(space, at(1), 1, Access.WRITE)) {
            assertThat(evict(1, 1)).isZero();
            assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(0, 2));
            assertThat(held.pages()).isEqualTo(1);
        }
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(0, 3, 0, 2, 2, 0, 0, 0));
        assertThat(manager.coldFrames(memory, 1)).containsExactly(frames(1));
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    @Test
    void aPageThatSomebodyHoldsIsNoVictim() {
        touch(0);
        touch(1);
        try (PageReferences held = Pins.get(space, at(0), 1, Access.READ)) {
            assertThat(manager.coldFrames(memory, 2)).containsExactly(frames(1));
            assertThat(held.pages()).isEqualTo(1);
        }
        assertThat(manager.coldFrames(memory, 2)).containsExactlyInAnyOrder(frames(0, 1));
    }

    @Test
    void aPageThatWasThrownAwayIsNew() {
        touch(0);
        evict(0, 1);
        space.advise(at(0), Page.SIZE, Advice.DONTNEED);
        touch(0);
        space.advise(at(0), Page.SIZE, Advice.DONTNEED);
        touch(0);
        assertThat(victims.heard).isEmpty();
    }

    @Test
    void aPageThatCouldNotLeaveIsNotMissed() {
        touch(0);
        try (PageReferences held = Pins.pin(space, at(0), 1, Access.WRITE)) {
            assertThat(evict(0, 1)).isZero();
            assertThat(held.pages()).isEqualTo(1);
        }
        assertThat(manager.coldFrames(memory, 1)).containsExactly(frames(0));
        assertThat(victims.heard).isEmpty();
        assertThat(budget.workingSet()).isEqualTo(new WorkingSetFigures(0, 1, 0, 0, 0, 0, 0, 0));
    }
}
