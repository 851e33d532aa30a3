package org.heteromem.core;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * RAM whose frames are given by addresses, executed by something that has to be told where its pages are, with a device behind
 * it and a policy that does as it is told.
 */
abstract class HomedFixture {
    static final long BASE = 1L << 40;
    static final int PAGES = 64;
    static final int BUDGET = 8;

    /** What the core tells of. */
    final List<String> told = new ArrayList<>();

    final Object owner = new Object();

    /** Protects what it is told to, and notes what it hears. */
    static final class Victims implements VictimPolicy {
        final List<String> heard = new ArrayList<>();
        PageList answer = PageList.INACTIVE;
        int fromActive;
        boolean broken;
        long window;
        boolean renews = true;

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

    final Victims victims = new Victims();
    final FrameBudget budget = new FrameBudget(BUDGET, 2, victims);
    MemoryManager manager;
    AddressSpace space;
    HomedMemory memory;
    DeviceMemory device;
    final Deque<Long> free = new ArrayDeque<>();
    boolean keepsCopies;
    Runnable whenFreed = () -> {};
    /** How many pages a reader has gone past when it touches one on the device. */
    int behind;

    final Mmu mmu = new Mmu() {
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

    final DeviceDriver driver = new DeviceDriver() {
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

    static long offset(long page) {
        return page - Page.of(BASE);
    }

    String place(long frame) {
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

    static long at(int page) {
        return BASE + Page.address(page);
    }

    void touch(int page) {
        assertThat(space.fault(at(page), Access.READ)).isInstanceOf(FaultResult.Done.class);
    }

    int evict(int page, int pages) {
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
}
