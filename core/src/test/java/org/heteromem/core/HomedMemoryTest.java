package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.junit.jupiter.api.Test;

/** RAM whose frames are given by addresses: where its pages are, what is told of them, and what of the budget they take. */
class HomedMemoryTest extends HomedFixture {
    @Test
    void aPageLivesInTheFrameOfItsAddress() {
        touch(3);
        assertThat(told).containsExactly("fill 3 home 3 writable");
        assertThat(Inspector.pages(space, at(3), 1)[0].frame()).isEqualTo(memory.firstFrame() + 3);
        assertThat(budget.used()).isOne();
    }

    @Test
    void whatLeavesAndWhatComesBackIsTold() {
        touch(3);
        touch(4);
        told.clear();
        assertThat(evict(2, 4)).isEqualTo(2);
        assertThat(told).containsExactly("stop 3+2", "3: home 3 to device", "4: home 4 to device");
        assertThat(budget.used()).isZero();
        told.clear();
        assertThat(space.fault(at(4), Access.WRITE)).isEqualTo(FaultResult.DEVICE_PAGE);
        assertThat(told).containsExactly("4: device to home 4");
        assertThat(Inspector.pages(space, at(3), 1)[0].kind()).isEqualTo(PageKind.DEVICE_PRIVATE);
    }

    @Test
    void whoTouchesAPageThatWasThrownAwayAndIsHeldIsWokenWhenItIsLetGo() {
        touch(3);
        List<String> woken = new ArrayList<>();
        try (PageReferences held = Pins.get(space, at(3), 1, Access.READ)) {
            space.advise(at(3), Page.SIZE, Advice.DONTNEED);
            assertThat(space.fault(at(3), Access.READ)).isInstanceOfSatisfying(FaultResult.Wait.class, wait -> {
                wait.point().whenReady(() -> woken.add("one"));
                wait.point().whenReady(() -> woken.add("two"));
            });
            touch(4);
            assertThat(woken).isEmpty();
            assertThat(held.frame(0)).isEqualTo(memory.firstFrame() + 3);
        }
        assertThat(woken).containsExactly("one", "two");
        touch(3);
        assertThat(budget.used()).isEqualTo(2);
    }

    @Test
    void whoRegistersTooLateToWaitForAHomedPageIsWokenAtOnce() {
        touch(3);
        FaultResult seen;
        try (PageReferences held = Pins.get(space, at(3), 1, Access.READ)) {
            space.advise(at(3), Page.SIZE, Advice.DONTNEED);
            seen = space.fault(at(3), Access.READ);
            assertThat(held.pages()).isOne();
        }
        List<String> woken = new ArrayList<>();
        ((FaultResult.Wait) seen).point().whenReady(() -> woken.add("free"));
        touch(3);
        ((FaultResult.Wait) seen).point().whenReady(() -> woken.add("mapped again"));
        assertThat(woken).containsExactly("free", "mapped again");
    }

    @Test
    void theFirstStoreToACleanPageIsHeardOfAndUntilThenNothingIsCopied() {
        keepsCopies = true;
        touch(3);
        evict(3, 1);
        long copy = Inspector.pages(space, at(3), 1)[0].frame();
        told.clear();
        touch(3);
        assertThat(told).containsExactly("3: device to home 3 read-only");
        assertThat(device.isCopy(copy)).isTrue();
        // Nobody can write it, so nobody is to be stopped.
        told.clear();
        assertThat(evict(3, 1)).isOne();
        assertThat(told).containsExactly("3: home 3 to device read-only");
        assertThat(Inspector.pages(space, at(3), 1)[0].frame()).isEqualTo(copy);
        assertThat(device.isCopy(copy)).isFalse();
        touch(3);
        told.clear();
        assertThat(space.fault(at(3), Access.WRITE)).isEqualTo(FaultResult.REUSE);
        assertThat(told).containsExactly("stores 3");
        assertThat(free).contains(copy);
        told.clear();
        assertThat(evict(3, 1)).isOne();
        assertThat(told).containsExactly("stop 3+1", "3: home 3 to device");
    }

    @Test
    void aPageThatWentBackToItsCopyIsWritableWhenItComesAgain() {
        keepsCopies = true;
        touch(3);
        evict(3, 1);
        touch(3);
        evict(3, 1);
        told.clear();
        assertThat(space.fault(at(3), Access.WRITE)).isEqualTo(FaultResult.DEVICE_PAGE);
        assertThat(told).containsExactly("3: device to home 3");
    }

    @Test
    void aCopyThatIsGivenUpCostsTheNextStoreAFaultAndNothingElse() {
        keepsCopies = true;
        touch(3);
        evict(3, 1);
        long copy = Inspector.pages(space, at(3), 1)[0].frame();
        touch(3);
        assertThat(device.dropCopy(copy)).isTrue();
        assertThat(device.dropCopy(copy)).isFalse();
        assertThat(StateChecker.check(manager)).isEmpty();
        told.clear();
        assertThat(space.fault(at(3), Access.WRITE)).isEqualTo(FaultResult.REUSE);
        assertThat(told).containsExactly("stores 3");
    }

    @Test
    void whatStaysGetsItsRightsBack() {
        touch(3);
        told.clear();
        try (Migration migration = Migration.setup(space, at(3), Page.SIZE, Set.of(Migration.Select.SYSTEM), owner)) {
            assertThat(migration.collected()).isOne();
        }
        assertThat(told).containsExactly("stop 3+1", "3: home 3 to home 3");
    }

    @Test
    void theBudgetLimitsAndKeepsAReserveForWhatComesHome() {
        for (int i = 0; i < BUDGET - 2; i++) {
            touch(i);
        }
        assertThat(space.fault(at(20), Access.WRITE))
                .isEqualTo(new FaultResult.NoMemory(memory, org.heteromem.core.policy.FrameDemand.NEW_PAGE));
        evict(0, 2);
        touch(20);
        touch(21);
        // Two from the reserve come home, a third does not.
        assertThat(space.fault(at(0), Access.READ)).isEqualTo(FaultResult.DEVICE_PAGE);
        assertThat(space.fault(at(1), Access.READ)).isEqualTo(FaultResult.DEVICE_PAGE);
        assertThat(budget.free()).isZero();
        evict(20, 1);
        assertThat(budget.free()).isOne();
    }

    @Test
    void unmappingGivesEverythingBack() {
        touch(1);
        touch(2);
        evict(2, 1);
        told.clear();
        space.unmap(BASE, Page.address(PAGES));
        assertThat(told).containsExactly("drop 0+" + PAGES);
        assertThat(free).hasSize(PAGES);
        manager.removeHomedMemory(memory);
        assertThatThrownBy(() -> manager.removeHomedMemory(memory)).hasMessageContaining("'region' is not registered");
    }

    @Test
    void throwingContentsAwayMakesHoles() {
        touch(1);
        told.clear();
        space.advise(BASE, Page.address(4), Advice.DONTNEED);
        assertThat(told).containsExactly("drop 0+4");
        touch(1);
        assertThat(told).contains("fill 1 home 1 writable");
    }

    @Test
    void whatCannotBeDoneIsRefused() {
        assertThatThrownBy(() -> space.protect(BASE, Page.SIZE, Protection.READ))
                .isInstanceOf(MemoryException.class)
                .hasMessageContaining("homed memory 'region'");
        assertThatThrownBy(() -> space.remap(BASE, Page.SIZE, 1L << 41, RemapMode.MOVE))
                .hasMessageContaining("homed memory 'region'");
        assertThatThrownBy(() -> space.mapHomed(BASE << 1, memory, Protection.READ))
                .hasMessageContaining("mapped");
        assertThatThrownBy(() -> new FrameBudget(1, 1)).hasMessageContaining("reserve");
        touch(0);
        assertThatThrownBy(() -> manager.removeHomedMemory(memory)).hasMessageContaining("1 frames in use");
        evict(0, 1);
        assertThatThrownBy(() -> manager.removeHomedMemory(memory)).hasMessageContaining("still mapped");
    }

    @Test
    void pagesComeHomeByFrameToo() {
        touch(7);
        evict(7, 1);
        long frame = Inspector.pages(space, at(7), 1)[0].frame();
        told.clear();
        try (Migration migration = Migration.ofFrames(manager, new long[] {frame})) {
            assertThat(migration.allocateRam(0)).isTrue();
            migration.copyAll();
            assertThat(migration.migrate()).isOne();
        }
        assertThat(told).contains("7: device to home 7");
        assertThat(Inspector.pages(space, at(7), 1)[0].kind()).isEqualTo(PageKind.PRESENT);
    }

    private Migration home(int page, int pages) {
        return Migration.setup(space, at(page), Page.address(pages), Set.of(Migration.Select.DEVICE_PRIVATE), owner);
    }

    private List<PageKind> kinds(int pages) {
        return Arrays.stream(Inspector.pages(space, at(0), pages))
                .map(page -> page.kind())
                .toList();
    }

    @Test
    void manyComeHomeTogetherWhileThereAreFrames() {
        for (int i = 1; i < BUDGET - 1; i++) {
            touch(i);
        }
        assertThat(evict(1, 6)).isEqualTo(6);
        for (int i = 10; i < 10 + BUDGET - 4; i++) {
            touch(i);
        }
        // A hole in front and one behind, and room for four of six.
        try (Migration migration = home(0, 8)) {
            assertThat(migration.allocateRam(3)).isTrue();
            assertThat(migration.allocateRam()).isEqualTo(3);
            assertThat(budget.free()).isZero();
            assertThat(migration.allocateRam()).isZero();
            for (int i = 0; i < 8; i++) {
                assertThat(migration.destination(i)).isEqualTo(i > 0 && i < 5 ? memory.firstFrame() + i : 0);
            }
            migration.decline(1);
            assertThat(budget.free()).isOne();
            migration.copyAll();
            assertThat(migration.migrate()).isEqualTo(3);
        }
        assertThat(budget.used()).isEqualTo(BUDGET - 1);
        PageKind there = PageKind.DEVICE_PRIVATE;
        PageKind home = PageKind.PRESENT;
        assertThat(kinds(8)).containsExactly(PageKind.NONE, there, home, home, home, there, there, PageKind.NONE);
        evict(10, 4);
        try (Migration migration = home(0, 8)) {
            assertThat(migration.allocateRam())
                    .as("not for holes, though there is room")
                    .isEqualTo(3);
            migration.copyAll();
            migration.migrate();
        }
        assertThat(kinds(8)).containsExactly(PageKind.NONE, home, home, home, home, home, home, PageKind.NONE);
        assertThat(budget.used()).isEqualTo(6);
    }

    @Test
    void whoseFrameIsHeldKeepsNoOtherThatWasTakenByItsFrame() {
        touch(1);
        touch(2);
        assertThat(evict(1, 2)).isEqualTo(2);
        FrameTable frames = manager.machine().frames;
        assertThat(frames.claim(memory.firstFrame() + 1, 0)).isTrue();
        long[] away = Arrays.stream(Inspector.pages(space, at(1), 2))
                .mapToLong(page -> page.frame())
                .toArray();
        try (Migration migration = Migration.ofFrames(manager, away)) {
            assertThat(migration.allocateRam()).isOne();
            migration.copyAll();
            assertThat(migration.migrate()).isOne();
        }
        assertThat(kinds(3)).containsExactly(PageKind.NONE, PageKind.DEVICE_PRIVATE, PageKind.PRESENT);
        budget.tryCharge(1, true);
        ((HomedNode) memory).settle(1, 1);
        frames.put(memory.firstFrame() + 1);
    }

    /** Who goes over frames by number takes a reference in passing, and has it still when the page has gone. */
    @Test
    void whoseFrameIsHeldStaysWhereItIsWhenOthersComeHome() {
        for (int i = 0; i < 3; i++) {
            touch(i);
        }
        FrameTable frames = manager.machine().frames;
        long held = memory.firstFrame() + 1;
        try (Migration migration =
                Migration.setup(space, at(0), Page.address(3), Set.of(Migration.Select.SYSTEM), owner)) {
            sendAway(migration);
            assertThat(migration.migrate()).isEqualTo(3);
            assertThat(frames.tryGet(held)).isTrue();
        }
        assertThat(budget.used()).isOne();
        try (Migration migration = home(0, 3)) {
            assertThat(migration.allocateRam()).isEqualTo(2);
            assertThat(budget.used()).isEqualTo(3);
            assertThat(migration.destination(1)).isZero();
            migration.copyAll();
            assertThat(migration.migrate()).isEqualTo(2);
        }
        frames.put(held);
        assertThat(budget.used()).isEqualTo(2);
        touch(1);
        assertThat(budget.used()).isEqualTo(3);
    }

    private void sendAway(Migration migration) {
        for (int i = 0; i < migration.pages(); i++) {
            long frame = free.remove();
            device.initFrame(frame);
            migration.setDestination(i, frame);
        }
        migration.copyAll();
    }

    /** Somebody else has taken a frame between the charge and the claim. */
    @Test
    void whatWasChargedForAndIsNotTakenIsGivenBack() {
        HomedNode node = (HomedNode) memory;
        assertThat(node.charge(3)).isEqualTo(3);
        long frame = node.takeCharged(Page.of(at(1)), 0);
        assertThat(frame).isEqualTo(memory.firstFrame() + 1);
        assertThat(node.takeCharged(Page.of(at(1)), 0)).isEqualTo(HomedNode.BUSY);
        node.settle(3, 1);
        assertThat(budget.used()).isOne();
        assertThat(node.framesInUse()).isOne();
        manager.machine().frames.put(frame);
        assertThat(budget.used()).isZero();
    }

    private final Deque<Integer> woken = new ArrayDeque<>();
    private final List<Integer> served = new ArrayList<>();

    /** Touches again those that were woken, as who serves faults does. */
    private void touchWhoWasWoken() {
        for (Integer page = woken.poll(); page != null; page = woken.poll()) {
            int again = page;
            switch (space.fault(at(again), Access.READ)) {
                case FaultResult.Wait wait -> wait.point().whenReady(() -> woken.add(again));
                case FaultResult.Done done -> served.add(again);
                default -> throw new AssertionError("page " + again + " cannot be touched");
            }
        }
    }

    /** Whoever waits for a page lock is woken, and finds that the frame has not been given back. */
    @Test
    void whoWaitsForFramesThatGoTogetherIsWoken() {
        for (int i = 0; i < 4; i++) {
            touch(i);
        }
        long first = memory.firstFrame();
        try (Migration migration = Migration.ofFrames(manager, new long[] {first, first + 1, first + 2, first + 3})) {
            sendAway(migration);
            migration.migrate();
            // Thrown away on their way, so that new pages want the frames that the migration still holds.
            space.advise(at(1), Page.address(2), Advice.DONTNEED);
            woken.addAll(List.of(1, 2));
            touchWhoWasWoken();
            assertThat(served).isEmpty();
            // The device's frames of those that were thrown away are freed one by one, before the homed ones.
            whenFreed = this::touchWhoWasWoken;
        }
        whenFreed = () -> {};
        touchWhoWasWoken();
        assertThat(served).containsExactlyInAnyOrder(1, 2);
        assertThat(budget.used()).isEqualTo(2);
    }

    @Test
    void threadsOfTheEmulatorSeeZerosWhereContentsWereThrownAway() {
        FrameBudget own = new FrameBudget(BUDGET, 0);
        AddressSpace emulated = manager.createAddressSpace();
        HomedMemory other = manager.addHomedMemory("emulated", new ArenaStore(Page.address(4)), own);
        emulated.mapHomed(BASE, other, Protection.READ_WRITE);
        try (Cpu cpu = emulated.newCpu()) {
            cpu.storeLong(BASE, 7);
            emulated.advise(BASE, Page.SIZE, Advice.DONTNEED);
            assertThat(cpu.loadLong(BASE)).isZero();
        }
    }

    @Test
    void aRemapThatIsRefusedUnmapsNothing() {
        long target = BASE + Page.address(2L * PAGES);
        space.mapAt(target, Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        assertThatThrownBy(() -> space.remap(BASE, Page.SIZE, target, RemapMode.MOVE))
                .hasMessageContaining("homed memory 'region'");
        assertThat(space.areaAt(target)).isNotNull();
    }

    @Test
    void aPageIsNotTakenFromTheCpuWhereverItIs() {
        Object gpu = new Object();
        DeviceMemory coherent = manager.addDevice(
                new DeviceMemory.Spec("gpu", DeviceKind.COHERENT, gpu, new ArenaStore(Page.address(4))), driver);
        touch(3);
        assertThatThrownBy(() -> ExclusiveAccess.make(space, at(3), owner, frame -> {}))
                .hasMessageContaining("EOPNOTSUPP");
        try (Migration migration = Migration.setup(space, at(3), Page.SIZE, Set.of(Migration.Select.SYSTEM), gpu)) {
            coherent.initFrame(coherent.firstFrame());
            migration.setDestination(0, coherent.firstFrame());
            migration.copyAll();
            assertThat(migration.migrate()).isOne();
        }
        assertThatThrownBy(() -> ExclusiveAccess.make(space, at(3), owner, frame -> {}))
                .hasMessageContaining("EOPNOTSUPP");
    }
}
