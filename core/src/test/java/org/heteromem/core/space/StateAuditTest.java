package org.heteromem.core.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.WorkingSetDamage;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.inspect.Rule;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.inspect.Violation;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.ResourceMap;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mmu.StoreUnderWay;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of the state checker is broken on purpose, and the checker must say so; a sound state must pass. */
class StateAuditTest {
    private static final int PAGES = 8;

    private final MemoryManager manager =
            MemoryManager.builder().node(1 << 20).node(1 << 20).build();
    private final Machine machine = manager.machine();
    private final FrameTable frames = machine.frames;
    private final DeviceDriver driver = new DeviceDriver() {
        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return DriverResult.FAILED;
        }

        @Override
        public void frameFreed(DeviceMemory memory, long frame) {
            // Nothing is handed out twice here.
        }
    };
    private final DeviceMemory gpu = manager.addDevice(
            new DeviceMemory.Spec("gpu", DeviceKind.PRIVATE, driver, new ArenaStore(1 << 20)), driver);
    private final AddressSpace space = manager.createAddressSpace();
    private final Mm mm = space.mm();
    private final Cpu cpu = space.newCpu();
    private long base;
    private long shared;
    private AddressSpace child = space;

    /** Every kind of entry is there: written, zero page, device-private, device-exclusive, guard, shared, COW. */
    @BeforeEach
    void populate() {
        base = space.map(PAGES * (long) Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
        shared = space.map(4L * Page.SIZE, Protection.READ_WRITE, Sharing.SHARED);
        cpu.storeLong(at(0), 1);
        cpu.storeLong(shared, 3);
        child = space.fork();
        cpu.storeLong(at(1), 2);
        cpu.loadLong(at(2));
        cpu.storeLong(at(3), 4);
        cpu.storeLong(at(4), 5);
        ExclusiveAccess.make(space, at(4), driver, frame -> {});
        try (Migration m = Migration.setup(space, at(3), Page.SIZE, Set.of(Migration.Select.SYSTEM), driver)) {
            gpu.initFrame(gpu.firstFrame());
            m.setDestination(0, gpu.firstFrame());
            m.copy(0);
            m.migrate();
        }
        space.advise(at(5), Page.SIZE, Advice.GUARD_INSTALL);
        assertThat(StateChecker.check(manager)).isEmpty();
    }

    private long at(int page) {
        return base + page * (long) Page.SIZE;
    }

    private PageTableLeaf leaf(int page) {
        PageTableLeaf leaf = mm.pageTable.leaf(Page.of(at(page)));
        if (leaf == null) {
            throw new AssertionError("no leaf");
        }
        return leaf;
    }

    private long entry(int page) {
        return mm.pageTable.entry(Page.of(at(page)));
    }

    private long frame(int page) {
        return PteLayout.frame(entry(page));
    }

    private void set(int page, long entry) {
        leaf(page).set(Page.of(at(page)), entry);
    }

    private void seen(Rule... rules) {
        List<Violation> found = StateChecker.check(manager);
        assertThat(found).extracting(Violation::rule).contains(rules);
        assertThatThrownBy(() -> StateChecker.assertSound(manager))
                .hasMessageContaining(rules[0].name())
                .hasMessageContaining(found.get(0).detail());
    }

    // ---- counts ------------------------------------------------------------------------------------------------

    @Test
    void aMappingTooMany() {
        frames.addMapping(frame(1));
        seen(Rule.MAPPING_COUNT);
    }

    @Test
    void aLostEntryLeavesItsCounts() {
        set(1, 0);
        seen(Rule.MAPPING_COUNT, Rule.REFERENCE_COUNT, Rule.RESIDENT_SET);
    }

    @Test
    void aLeakedReference() {
        frames.get(frame(1));
        seen(Rule.REFERENCE_COUNT);
    }

    @Test
    void aLeakedReferenceOnTheZeroPage() {
        frames.get(machine.zeroFrame);
        seen(Rule.REFERENCE_COUNT);
    }

    @Test
    void aReferenceHeldOutsideMustBeNamedAndIsThenSound() {
        try (PageReferences got = Pins.get(space, at(1), 1, Access.READ);
                PageReferences pinned = Pins.pin(space, at(0), 1, Access.WRITE)) {
            seen(Rule.REFERENCE_COUNT, Rule.PIN_COUNT);
            assertThat(StateChecker.of(manager).holding(got).holding(pinned).check())
                    .isEmpty();
        }
        StateChecker.assertSound(manager);
        frames.get(frame(1));
        assertThat(StateChecker.of(manager).holding(frame(1)).check()).isEmpty();
    }

    @Test
    void aReferenceSaidToBeHeldIsMissed() {
        assertThat(StateChecker.of(manager).holding(frame(1)).check())
                .extracting(Violation::rule)
                .containsExactly(Rule.REFERENCE_COUNT);
        assertThat(StateChecker.of(manager).holding(Long.MAX_VALUE >>> 13).check())
                .extracting(Violation::rule)
                .contains(Rule.REFERENCE_COUNT);
    }

    @Test
    void aLeakedPin() {
        frames.tryPin(frame(1));
        seen(Rule.PIN_COUNT);
    }

    @Test
    void residentPagesMiscounted() {
        mm.rssAnon.getAndIncrement();
        seen(Rule.RESIDENT_SET);
    }

    @Test
    void sharedResidentPagesMiscounted() {
        mm.rssShared.getAndDecrement();
        seen(Rule.RESIDENT_SET);
    }

    @Test
    void deviceReferencesMiscounted() {
        gpu.initFrame(gpu.firstFrame() + 1);
        seen(Rule.REFERENCE_COUNT, Rule.PAGE_LOCK);
        gpu.abandon(gpu.firstFrame() + 1);
        StateChecker.assertSound(manager);
        ((DeviceFrames) frames.range(gpu.firstFrame()).owner).startUse(1);
        seen(Rule.DEVICE_REFERENCES);
    }

    // ---- entries -----------------------------------------------------------------------------------------------

    @Test
    void anEntryOutsideAnyArea() {
        mm.pageTable.leafOrMake(Page.of(base) + PAGES).set(Page.of(base) + PAGES, entry(2));
        seen(Rule.ENTRY);
    }

    @Test
    void anEntryOfNoKind() {
        set(6, 15);
        seen(Rule.ENTRY);
    }

    @Test
    void aPresentEntryForMemoryThatTheCpuCannotReach() {
        set(3, PteLayout.make(PteLayout.PRESENT, frame(3), PteLayout.READ));
        seen(Rule.ENTRY);
    }

    @Test
    void aDevicePrivateEntryForRam() {
        set(1, PteLayout.make(PteLayout.DEVICE_PRIVATE, frame(1), 0));
        seen(Rule.ENTRY);
    }

    @Test
    void aMigrationEntryWithoutMigrator() {
        set(1, PteLayout.make(PteLayout.MIGRATION, frame(1), 0));
        seen(Rule.MIGRATION_ENTRY);
    }

    @Test
    void aWritableEntryInAReadOnlyArea() {
        space.protect(at(0), PAGES * (long) Page.SIZE, Protection.READ);
        StateChecker.assertSound(manager);
        leaf(1).update(Page.of(at(1)), 0, PteLayout.WRITE);
        seen(Rule.RIGHTS);
    }

    @Test
    void aReadableEntryInAnAreaWithoutAccess() {
        space.protect(at(0), PAGES * (long) Page.SIZE, Protection.NONE);
        StateChecker.assertSound(manager);
        leaf(1).update(Page.of(at(1)), 0, PteLayout.READ);
        seen(Rule.RIGHTS);
    }

    @Test
    void aWritableDevicePrivateEntryInAReadOnlyArea() {
        space.protect(at(3), Page.SIZE, Protection.READ);
        leaf(3).update(Page.of(at(3)), 0, PteLayout.WRITE);
        seen(Rule.RIGHTS);
    }

    @Test
    void aSharedPageWritableByOne() {
        leaf(0).update(Page.of(at(0)), 0, PteLayout.WRITE);
        seen(Rule.RIGHTS);
    }

    @Test
    void theZeroPageWritable() {
        leaf(2).update(Page.of(at(2)), 0, PteLayout.WRITE);
        seen(Rule.ZERO_PAGE);
    }

    @Test
    void theZeroPageIsNotSetAside() {
        frames.clear(machine.zeroFrame, Frames.RESERVED);
        seen(Rule.ZERO_PAGE);
    }

    @Test
    void anEntryWithAFrameOfNoMemory() {
        set(6, PteLayout.make(PteLayout.PRESENT, 1L << 38, PteLayout.READ));
        seen(Rule.ENTRY);
    }

    @Test
    void aPageOfSharedMemoryTakenForADevice() {
        long page = Page.of(shared);
        PageTableLeaf leaf = mm.pageTable().leafOrMake(page);
        long frame = PteLayout.frame(leaf.get(page));
        leaf.set(page, PteLayout.make(PteLayout.DEVICE_EXCLUSIVE, frame, PteLayout.WRITE));
        seen(Rule.ENTRY);
    }

    @Test
    void theZeroPageWritten() {
        MemorySegment segment = frames.segment(machine.zeroFrame);
        if (segment == null) {
            throw new AssertionError("RAM is addressable");
        }
        segment.set(ValueLayout.JAVA_BYTE, frames.segmentOffset(machine.zeroFrame) + 4095, (byte) 1);
        seen(Rule.ZERO_PAGE);
    }

    @Test
    void aPageOfTwoProcessesMarkedAsOnesOwn() {
        frames.set(frame(0), Frames.ANON_EXCLUSIVE);
        seen(Rule.EXCLUSIVE);
    }

    // ---- copies ------------------------------------------------------------------------------------------------

    /** Brings page 3 home and leaves its copy. */
    private long copyOfPage3() {
        long copy = frame(3);
        try (Migration m = Migration.setup(space, at(3), Page.SIZE, Set.of(Migration.Select.DEVICE_PRIVATE), driver)) {
            assertThat(m.allocateRam(0)).isTrue();
            m.copy(0);
            assertThat(m.keepSource(0)).isTrue();
            m.migrate();
        }
        StateChecker.assertSound(manager);
        assertThat(frames.copyOf(frame(3))).isEqualTo(copy);
        return copy;
    }

    @Test
    void aPageThatCanBeWrittenHasACopy() {
        copyOfPage3();
        leaf(3).update(Page.of(at(3)), 0, PteLayout.WRITE);
        seen(Rule.COPY);
    }

    @Test
    void aPageThatWasWrittenHasACopy() {
        copyOfPage3();
        frames.set(frame(3), Frames.DIRTY);
        seen(Rule.COPY);
    }

    @Test
    void aCopyOfAPageThatDoesNotKnowIt() {
        copyOfPage3();
        frames.takeCopy(frame(3));
        seen(Rule.COPY);
    }

    @Test
    void aCopyThatIsNone() {
        long copy = copyOfPage3();
        frames.clear(copy, Frames.COPY);
        seen(Rule.COPY);
    }

    // ---- reverse map -------------------------------------------------------------------------------------------

    @Test
    void aFrameThatLeadsToAnotherPage() {
        frames.place(frame(1), frames.anchor(frame(1)), frames.index(frame(1)) + 1, 0, 0);
        seen(Rule.REVERSE_MAP);
    }

    @Test
    void aFrameWithoutAnchor() {
        frames.place(frame(1), null, frames.index(frame(1)), 0, 0);
        seen(Rule.REVERSE_MAP);
    }

    @Test
    void twoPagesChangedPlaces() {
        long one = entry(1);
        long other = entry(0);
        set(1, other);
        set(0, one);
        seen(Rule.REVERSE_MAP);
    }

    private Vma area(long address) {
        Vma area = mm.areas.find(Page.of(address));
        if (area == null) {
            throw new AssertionError("no area");
        }
        return area;
    }

    @Test
    void anAnchorThatForgotAnArea() {
        area(base).chain.get(0).areas.clear();
        seen(Rule.ANCHOR);
    }

    @Test
    void anAnchorThatListsAnAreaTwice() {
        area(base).chain.get(0).areas.add(area(base));
        seen(Rule.ANCHOR);
    }

    @Test
    void anAnchorThatListsAnAreaThatIsGone() {
        Vma gone = new Vma(mm, 1, 2, 1, Protection.READ, 0, null);
        area(base).chain.get(0).areas.add(gone);
        seen(Rule.ANCHOR);
    }

    @Test
    void anAnchorWhoseAreaDoesNotKnowIt() {
        area(base).chain.get(0).areas.add(area(shared));
        seen(Rule.ANCHOR);
    }

    @Test
    void aSharedObjectThatForgotAnArea() {
        SharedObject object = area(shared).shared;
        assertThat(object).isNotNull();
        if (object != null) {
            object.areas.remove(area(shared));
        }
        seen(Rule.ANCHOR);
    }

    @Test
    void aSharedObjectWithAUserTooMany() {
        SharedObject object = area(shared).shared;
        if (object != null) {
            object.addUser();
        }
        seen(Rule.SHARED_OBJECT);
    }

    @Test
    void aSharedObjectWithAForeignPage() {
        SharedObject object = area(shared).shared;
        if (object != null) {
            object.addPage(frames, 3, frame(1));
        }
        seen(Rule.SHARED_OBJECT);
    }

    @Test
    void areasThatOverlap() {
        area(base).end += 1 << 20;
        seen(Rule.AREA);
    }

    @Test
    void anAreaWithoutItsOwnAnchor() {
        area(base).anonVma = null;
        seen(Rule.AREA);
    }

    // ---- places ------------------------------------------------------------------------------------------------

    @Test
    void aFrameTakenOffTheLruAndForgotten() {
        assertThat(machine.lruIsolate(frame(1))).isTrue();
        seen(Rule.ONE_PLACE);
    }

    @Test
    void aFrameOfTheWrongListsFlags() {
        frames.set(frame(1), Frames.ACTIVE);
        seen(Rule.LRU);
    }

    @Test
    void aFrameThatForgotItsList() {
        frames.clear(frame(1), Frames.LRU);
        seen(Rule.LRU);
    }

    @Test
    void aFrameOnTwoLists() {
        long first = frame(1);
        // The list goes round from its first page to itself.
        frames.setLinks(
                first,
                frames.links(first) & ~0xffff_ffffL
                        | first - machine.nodes().get(0).firstFrame() + 1);
        seen(Rule.ONE_PLACE);
    }

    @Test
    void aListWhoseWayBackIsBroken() {
        frames.setLinks(frame(1), frames.links(frame(1)) + (7L << 32));
        seen(Rule.LRU);
    }

    @Test
    void aFrameHandedOutAndLost() {
        assertThat(machine.allocateRam(0)).isPositive();
        seen(Rule.REFERENCE_COUNT, Rule.ONE_PLACE);
    }

    @Test
    void aFreeListThatLeavesItsNode() {
        long frame = machine.allocateRam(0);
        frames.put(frame);
        frames.setLinks(frame, machine.nodes().get(0).frames() + 1);
        seen(Rule.LRU);
    }

    @Test
    void aFrameOnTheFreeListThatIsInUse() {
        long frame = machine.allocateRam(0);
        frames.put(frame);
        StateChecker.assertSound(manager);
        frames.prepare(frame, 0);
        seen(Rule.ONE_PLACE);
    }

    @Test
    void aFrameFreedThatIsNowhere() {
        long frame = frame(1);
        machine.lruIsolate(frame);
        set(1, 0);
        frames.removeMappingKeepReference(frame);
        // Not put: forgotten.
        frames.reset(frame);
        seen(Rule.ONE_PLACE);
    }

    @Test
    void anAllocationThatWasNotCounted() {
        frames.prepare(frame(1) + 50, 0);
        seen(Rule.ONE_PLACE, Rule.REFERENCE_COUNT);
    }

    @Test
    void aDeviceFrameOnAnLru() {
        frames.set(gpu.firstFrame(), Frames.LRU);
        seen(Rule.ONE_PLACE);
    }

    // ---- locks -------------------------------------------------------------------------------------------------

    @Test
    void anLruLockHeld() {
        LruNode node = machine.nodes().get(0);
        node.beginLruBatch();
        seen(Rule.LOCK_HELD);
        node.endLruBatch();
        StateChecker.assertSound(manager);
    }

    @Test
    void aPageLockHeld() {
        frames.tryLock(frame(1));
        seen(Rule.PAGE_LOCK);
    }

    @Test
    void aLeafLockHeld() {
        leaf(0).lock.lock();
        seen(Rule.LOCK_HELD);
    }

    @Test
    void anAddressSpaceLockHeldShared() {
        long stamp = mm.readLock();
        seen(Rule.LOCK_HELD);
        mm.readUnlock(stamp);
        StateChecker.assertSound(manager);
    }

    @Test
    void anAddressSpaceLockHeldExclusively() {
        long stamp = mm.writeLock();
        seen(Rule.LOCK_HELD);
        mm.writeUnlock(stamp);
    }

    @Test
    void anAnchorLockHeld() {
        area(base).chain.get(0).lock().readLock().lock();
        seen(Rule.LOCK_HELD);
    }

    @Test
    void anInvalidationThatDoesNotEnd() {
        mm.notifyStart(Invalidation.Reason.CLEAR, Page.of(base), 1, null);
        seen(Rule.NOTIFIER);
        mm.notifyEnd();
        StateChecker.assertSound(manager);
    }

    // ---- others who translate ----------------------------------------------------------------------------------

    @Test
    void aTranslationThatOutlivedItsEntry() {
        cpu.loadLong(at(1));
        long frame = frame(1);
        leaf(1).exchange(Page.of(at(1)), 0);
        frames.removeMappingKeepReference(frame);
        seen(Rule.TRANSLATION);
    }

    @Test
    void aTranslationForStoresThatAreNotAllowedAnyMore() {
        cpu.storeLong(at(1), 9);
        leaf(1).update(Page.of(at(1)), PteLayout.WRITE, 0);
        seen(Rule.TRANSLATION);
    }

    @Test
    void aTranslationWhoseStoresWouldNotBeNoticed() {
        cpu.storeLong(at(1), 9);
        leaf(1).update(Page.of(at(1)), PteLayout.DIRTY, 0);
        seen(Rule.TRANSLATION);
    }

    @Test
    void aStoreUnderWay() {
        StoreUnderWay.begin(cpu, Page.of(at(1)));
        seen(Rule.LOCK_HELD);
        StoreUnderWay.end(cpu);
        StateChecker.assertSound(manager);
    }

    @Test
    void anIdleTranslationCacheIsSound() {
        cpu.storeLong(at(1), 9);
        cpu.loadLong(at(0));
        StateChecker.assertSound(manager);
    }

    private List<Rule> mirroring(AddressSpace of, long address, long frame, boolean writable) {
        return mirroring(driver, of, address, frame, writable);
    }

    private List<Rule> mirroring(@Nullable Object owner, AddressSpace of, long address, long frame, boolean writable) {
        return StateChecker.of(manager)
                .mirror(owner, visitor -> visitor.entry(of, address, frame, writable))
                .check()
                .stream()
                .map(Violation::rule)
                .toList();
    }

    @Test
    void nobodyElseMayReachADevicesPrivateMemory() {
        assertThat(mirroring(driver, space, at(3), frame(3), false)).isEmpty();
        assertThat(mirroring(new Object(), space, at(3), frame(3), false)).containsExactly(Rule.MIRROR);
        assertThat(mirroring(null, space, at(3), frame(3), false)).containsExactly(Rule.MIRROR);
    }

    @Test
    void aPageTakenForADeviceIsNotStoredToWhereTheAreaForbidsIt() {
        space.protect(at(4), Page.SIZE, Protection.READ);
        assertThat(mirroring(space, at(4), frame(4), false)).isEmpty();
        assertThat(mirroring(space, at(4), frame(4), true)).containsExactly(Rule.MIRROR);
    }

    @Test
    void aPageTakenForADeviceIsInOneTableOnly() {
        MirrorView one = visitor -> visitor.entry(space, at(4), frame(4), true);
        MirrorView other = visitor -> visitor.entry(space, at(4), frame(4), false);
        assertThat(StateChecker.of(manager).mirror(one).mirror(other).check())
                .extracting(Violation::rule)
                .containsExactly(Rule.MIRROR);
        MirrorView reads = visitor -> visitor.entry(space, at(1), frame(1), false);
        MirrorView stores = visitor -> visitor.entry(space, at(1), frame(1), true);
        assertThat(StateChecker.of(manager).mirror(reads).mirror(stores).check())
                .isEmpty();
    }

    @Test
    void aMirrorMayAllowWhatThePageTableAllowsAndNoMore() {
        LongConsumer wrong =
                frame -> assertThat(mirroring(space, at(1), frame, false)).containsExactly(Rule.MIRROR);
        wrong.accept(frame(0));
        assertThat(mirroring(space, at(1), frame(1), true)).isEmpty();
        assertThat(mirroring(space, at(0), frame(0), false)).isEmpty();
        assertThat(mirroring(space, at(0), frame(0), true)).containsExactly(Rule.MIRROR);
        assertThat(mirroring(space, at(3), frame(3), true)).isEmpty();
        assertThat(mirroring(space, at(4), frame(4), true)).isEmpty();
        assertThat(mirroring(space, at(5), frame(1), false)).containsExactly(Rule.MIRROR);
        assertThat(mirroring(space, at(20), frame(1), false)).containsExactly(Rule.MIRROR);
        space.protect(at(3), Page.SIZE, Protection.READ);
        assertThat(mirroring(space, at(3), frame(3), true)).containsExactly(Rule.MIRROR);
        assertThat(mirroring(space, at(3), frame(3), false)).isEmpty();
        space.protect(at(3), Page.SIZE, Protection.NONE);
        assertThat(mirroring(space, at(3), frame(3), false)).containsExactly(Rule.MIRROR);
        child.exit();
        assertThat(mirroring(child, at(0), frame(0), false)).containsExactly(Rule.MIRROR);
    }

    // ---- homed memory ------------------------------------------------------------------------------------------

    private final FrameBudget budget = new FrameBudget(PAGES, 0);
    private static final long HOMED_AT = 1L << 41;

    private HomedNode homed() {
        HomedNode homed = (HomedNode) manager.addHomedMemory("homed", new ArenaStore(PAGES * (long) Page.SIZE), budget);
        space.mapHomed(HOMED_AT, homed, Protection.READ_WRITE);
        cpu.storeLong(HOMED_AT, 1);
        cpu.storeLong(HOMED_AT + Page.SIZE, 2);
        assertThat(StateChecker.check(manager)).isEmpty();
        return homed;
    }

    @Test
    void aBudgetChargedForAFrameThatNobodyHas() {
        homed();
        assertThat(budget.tryCharge(false)).isTrue();
        seen(Rule.BUDGET);
    }

    @Test
    void aBudgetThatForgotAFrame() {
        homed();
        budget.uncharge();
        seen(Rule.BUDGET);
    }

    @Test
    void aBudgetWhoseListsAreShorterThanItCounts() {
        homed();
        WorkingSetDamage.miscount(budget.lists());
        seen(Rule.BUDGET);
    }

    @Test
    void homedPagesThatChangedPlaces() {
        homed();
        long page = Page.of(HOMED_AT);
        long first = mm.pageTable().entry(page);
        PageTableLeaf leaf = mm.pageTable().leafOrMake(page);
        leaf.set(page, leaf.get(page + 1));
        leaf.set(page + 1, first);
        seen(Rule.HOMED_PLACE, Rule.REVERSE_MAP, Rule.TRANSLATION);
    }

    @Test
    void aPageThatWasEvictedLaterThanNow() {
        HomedNode homed = homed();
        space.advise(HOMED_AT, Page.SIZE, Advice.DONTNEED);
        frames.setLinks(homed.firstFrame(), 9 << 1);
        seen(Rule.SHADOW);
    }

    // ---- physical addresses ------------------------------------------------------------------------------------

    @Test
    void framesWithoutAResource() {
        manager.resources().release(manager.resources().resources().get(1));
        seen(Rule.RESOURCE);
    }

    @Test
    void aResourceWithoutFrames() {
        manager.resources().claim(1L << 40, 1 << 20, ResourceMap.Kind.SYSTEM_RAM, "phantom");
        seen(Rule.RESOURCE);
    }

    @Test
    void aReservedRangeIsNobodysFrames() {
        manager.resources().claim(1L << 40, 1 << 20, ResourceMap.Kind.RESERVED, "firmware");
        StateChecker.assertSound(manager);
    }

    @Test
    void allIsSoundAfterEverythingIsGone() {
        child.exit();
        cpu.close();
        space.exit();
        StateChecker.assertSound(manager);
        assertThat(machine.nodes().get(0).freeFrames()).isEqualTo(255);
    }
}
