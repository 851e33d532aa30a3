package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.policy.FrameDemand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose pages leave when RAM is short, how many, and where to. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OverflowTest {
    private static final long BASE = 1L << 40;
    private static final StorageOptions OPTIONS = StorageOptions.defaults().withCopies(KeepCopies.NEVER);

    private static HomedMemory map(Host host, long address, int pages, FrameBudget budget) {
        HomedMemory memory = host.manager.addHomedMemory("homed", new ArenaStore(Page.address(pages)), budget);
        host.space.mapHomed(address, memory, Protection.READ_WRITE);
        return memory;
    }

    @Test
    void pagesLeaveFromWhereverABudgetIsUsed() {
        try (Host host = new Host(16)) {
            StorageDevice device = host.device("ram:1M", OPTIONS);
            host.overflowTo(device);
            FrameBudget budget = new FrameBudget(6, 1);
            map(host, BASE, 5, budget);
            map(host, 2 * BASE, 5, budget);
            host.fill(BASE, 5, 10);
            // All that is in use is in the other memory.
            host.fill(2 * BASE, 5, 20);
            assertThat(host.on(device, BASE, 5)).isPositive();
            host.check(BASE, 5, 10);
            host.check(2 * BASE, 5, 20);
        }
    }

    @Test
    void anotherBudgetIsLeftAlone() {
        try (Host host = new Host(16)) {
            StorageDevice device = host.device("ram:1M", OPTIONS);
            host.overflowTo(device);
            map(host, BASE, 5, new FrameBudget(6, 1));
            map(host, 2 * BASE, 20, new FrameBudget(6, 1));
            host.fill(BASE, 5, 10);
            host.fill(2 * BASE, 20, 20);
            assertThat(host.on(device, BASE, 5)).isZero();
        }
    }

    @Test
    void whatABudgetHasTooManyAfterItWasLoweredLeavesAtOnce() {
        try (Host host = new Host(16)) {
            StorageDevice device = host.device("ram:1M", OPTIONS);
            Overflow overflow = new Overflow(host.manager, java.util.List.of(device));
            FrameBudget budget = new FrameBudget(60, 1);
            HomedMemory memory = map(host, BASE, 60, budget);
            host.fill(BASE, 59, 10);
            budget.setLimit(8, 1);
            assertThat(overflow.relieve(FrameDemand.NEW_PAGE, memory, 1)).isGreaterThanOrEqualTo(51);
            assertThat(budget.used()).isLessThanOrEqualTo(8);
        }
    }

    /** However long that takes: all pages are in the hands of a thread that writes them, and has no CPU or a slow disk. */
    @Test
    void whoNeedsRamWaitsForPagesThatOthersAreMoving() throws Exception {
        try (Host host = new Host(16)) {
            FaultyStore store = new FaultyStore(new RamStore("slow", 4 << 20, StoreMemory.of(host.arena)));
            StorageDevice device = StorageDevice.add(host.manager, store, OPTIONS);
            host.overflowTo(device);
            long base = host.map(60);
            host.fill(base, 40, 10);
            CountDownLatch writes = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            store.beforeWrite = () -> {
                writes.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            };
            Thread evicts = Thread.ofPlatform().start(() -> device.evict(host.space, base, Page.address(40)));
            writes.await();
            Thread opens = Thread.ofPlatform().start(() -> {
                LockSupport.parkNanos(300_000_000);
                store.beforeWrite = () -> {};
                goOn.countDown();
            });
            host.fill(base + Page.address(40), 20, 50);
            evicts.join();
            opens.join();
            host.check(base, 60, 10);
        }
    }

    @Test
    void aDeviceThatWasRemovedIsPassedOver() {
        try (Host host = new Host(16)) {
            StorageDevice gone = host.device("compressed:1M", OPTIONS);
            StorageDevice device = host.device("ram:1M", OPTIONS);
            host.overflowTo(gone, device);
            long base = host.map(40);
            host.fill(base, 40, 10);
            assertThat(host.on(gone, base, 40)).isPositive();
            gone.fetch(host.space, base, Page.address(40));
            while (gone.memory().liveReferences() > 0) {
                gone.demoteTo(device, 40);
            }
            host.manager.removeDevice(gone.memory());
            host.fill(base, 40, 50);
            assertThat(gone.evict(host.space, base, Page.address(40))).isZero();
            StateChecker.assertSound(host.manager);
            host.check(base, 40, 50);
            assertThat(gone.freeSlots()).isEqualTo((int) gone.memory().frames());
        }
    }
}
