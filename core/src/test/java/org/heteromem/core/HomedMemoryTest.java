package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.WorkingSetFigures;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** RAM whose frames are given by addresses, executed by something that has to be told where its pages are. */
class HomedMemoryTest {
    private static final long BASE = 1L << 40;
    private static final int PAGES = 64;
    private static final int BUDGET = 8;

    /** What the core tells of. */
    private final List<String> told = new ArrayList<>();

    private final Object owner = new Object();
    /** Protects what it is told to, and notes what it hears. */
    private static final class Victims implements VictimPolicy {
        private final List<String> heard = new ArrayList<>();
        private PageList answer = PageList.INACTIVE;
        private int fromActive;
        private boolean broken;
        private long window;
        private boolean renews = true;

        @Override
        public String name() {
            return "test";
        }

        @Override
        public String description() {
            return "what the test wants";
        }

        @Override
        public PageList refault(WorkingSetView set, long distance, PageList evictedFrom) {
            heard.add(distance + " after " + evictedFrom + ", " + set.active() + "+" + set.inactive() + " of "
                    + set.limit());
            if (broken) {
                throw new IllegalArgumentException("no list");
            }
            return answer;
        }

        @Override
        public int activeVictims(WorkingSetView set, int wanted) {
            return fromActive;
        }

        @Override
        public boolean dropsBehind() {
            return true;
        }

        @Override
        public boolean samples() {
            return true;
        }

        @Override
        public long window(WorkingSetView set) {
            if (window < 0) {
                throw new IllegalArgumentException("no window");
            }
            return window;
        }

        @Override
        public boolean access(WorkingSetView set, long page) {
            heard.add("use of " + offset(page));
            if (broken) {
                throw new IllegalArgumentException("no answer");
            }
            return renews;
        }
    }

    private final Victims victims = new Victims();
    private final FrameBudget budget = new FrameBudget(BUDGET, 2, victims);
    private MemoryManager manager;
    private AddressSpace space;
    private HomedMemory memory;
    private DeviceMemory device;
    private final Deque<Long> free = new ArrayDeque<>();
    private boolean keepsCopies;
    private Runnable whenFreed = () -> {};
    /** How many pages a reader has gone past when it touches one on the device. */
    private int behind;

    private final Mmu mmu = new Mmu() {
        @Override
        public void revoke(long page) {
            told.add("revoke " + offset(page));
        }

        @Override
        public void stopWriters(long firstPage, long pages) {
            told.add("stop " + offset(firstPage) + "+" + pages);
        }

        @Override
        public void drop(long firstPage, long pages) {
            told.add("drop " + offset(firstPage) + "+" + pages);
        }

        @Override
        public void relocate(PageMoves moves) {
            for (int i = 0; i < moves.count(); i++) {
                long at = offset(moves.firstPage() + i);
                if (moves.to(i) != 0) {
                    String rights = moves.writable(i) ? "" : " read-only";
                    told.add(at + ": " + place(moves.from(i)) + " to " + place(moves.to(i)) + rights);
                }
            }
        }

        @Override
        public void allowStores(long page) {
            told.add("stores " + offset(page));
        }

        @Override
        public void fill(long page, long frame, boolean writable) {
            told.add("fill " + offset(page) + ' ' + place(frame) + (writable ? " writable" : ""));
        }

        @Override
        public void makeIdle(long[] pages, int count) {
            told.add("idle"
                    + Arrays.stream(pages, 0, count)
                            .mapToObj(page -> " " + offset(page))
                            .collect(Collectors.joining()));
        }

        @Override
        public void mapAgain(long page, boolean writable) {
            told.add("used " + offset(page) + (writable ? " writable" : ""));
        }
    };

    private final DeviceDriver driver = new DeviceDriver() {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            try (Migration migration = Migration.forFault(fault, fault.address(), Page.SIZE)) {
                if (!migration.allocateRam(0)) {
                    return DriverResult.NO_MEMORY;
                }
                migration.copyAll();
                if (fault.access() == Access.READ && keepsCopies) {
                    assertThat(migration.keepSource(0)).isTrue();
                }
                migration.migrate();
            }
            fault.leaveBehind(behind);
            return DriverResult.DONE;
        }

        @Override
        public void frameFreed(DeviceMemory from, long frame) {
            free.add(frame);
            whenFreed.run();
        }
    };

    private static long offset(long page) {
        return page - Page.of(BASE);
    }

    private String place(long frame) {
        if (frame == 0) {
            return "none";
        }
        return memory.contains(frame) ? "home " + offset(memory.pageOf(frame)) : "device";
    }

    @BeforeEach
    void setUp() {
        manager = MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build();
        space = manager.createAddressSpace(mmu);
        memory = manager.addHomedMemory("region", new ArenaStore(Page.address(PAGES)), budget);
        space.mapHomed(BASE, memory, Protection.READ_WRITE);
        device = manager.addDevice(
                new DeviceMemory.Spec("disk", DeviceKind.PRIVATE, owner, new ArenaStore(Page.address(PAGES))), driver);
        for (long i = 0; i < PAGES; i++) {
            free.add(device.firstFrame() + i);
        }
    }

    @AfterEach
    void nothingIsWrong() {
        assertThat(StateChecker.check(manager)).isEmpty();
        manager.close();
        assertThat(budget.used()).isZero();
    }

    private static long at(int page) {
        return BASE + Page.address(page);
    }

    private void touch(int page) {
        assertThat(space.fault(at(page), Access.READ)).isInstanceOf(FaultResult.Done.class);
    }

    private int evict(int page, int pages) {
        try (Migration migration =
                Migration.setup(space, at(page), Page.address(pages), Set.of(Migration.Select.SYSTEM), owner)) {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.sources().movable(i)
                        && !migration.sources().hole(i)
                        && migration.reuseCopy(i, device) == 0) {
                    long frame = free.remove();
                    device.initFrame(frame);
                    migration.setDestination(i, frame);
                }
            }
            migration.copyAll();
            return migration.migrate();
        }
    }

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
