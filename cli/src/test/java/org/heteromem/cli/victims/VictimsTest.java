package org.heteromem.cli.victims;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.heteromem.cli.workload.RecordingMachine;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.PageMoves;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.devices.storage.FaultAround;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.devices.storage.StorageDevices;
import org.heteromem.devices.storage.StorageOptions;
import org.heteromem.devices.storage.StoreMemory;
import org.heteromem.policy.Policies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The default policy is worth having, and the core does what the simulation says. */
class VictimsTest {
    private static final long SEED = Long.getLong("heteromem.seed", 20260711);
    private static final int RAM = VictimTable.RAM;

    private static double hits(int[] stream, int ram, String policy) {
        return (double) Simulation.run(stream, ram, Policies.victims(policy)) / stream.length;
    }

    @Test
    void aHotSetSurvivesAScan() {
        for (int hot = 500; hot <= 800; hot += 100) {
            int[] stream = Streams.scanAndHotSet(hot, 0.5, 20 * RAM, 200_000, SEED);
            double optimum = (double) Simulation.optimum(stream, RAM) / stream.length;
            double lru = (double) Simulation.lru(stream, RAM) / stream.length;
            assertThat(hits(stream, RAM, Policies.DEFAULT_VICTIMS))
                    .as("hot set of %d, seed %d", hot, SEED)
                    .isGreaterThan(hits(stream, RAM, "fifo") + 0.1)
                    .isGreaterThan(lru + 0.05)
                    .isGreaterThan(0.9 * optimum);
        }
    }

    @Test
    void aLoopSomewhatLargerThanRamIsMostlyKept() {
        assertThat(hits(Streams.loop(RAM * 11 / 10, 200_000), RAM, Policies.DEFAULT_VICTIMS))
                .isGreaterThan(0.7);
    }

    @Test
    void whatIsReadInSequenceDoesNotPushOutWhatIsReadNext() {
        // Twice as much as RAM is filled and read once: half of it is in RAM still, and can stay until it is read.
        int[] stream = Streams.loop(2 * RAM, 4 * RAM);
        assertThat(Simulation.run(stream, RAM, Policies.victims(Policies.DEFAULT_VICTIMS)))
                .isGreaterThan(RAM * 9 / 10);
        assertThat(Simulation.run(stream, RAM, VictimPolicy.byAge())).isZero();
    }

    @Test
    void aHotSetThatIsNoMoreIsGivenUp() {
        int[] stream = Streams.changingHotSet(800, 8, 8 * RAM, 400_000, SEED);
        double lru = (double) Simulation.lru(stream, RAM) / stream.length;
        assertThat(hits(stream, RAM, Policies.DEFAULT_VICTIMS))
                .as("seed %d", SEED)
                .isGreaterThan(lru);
    }

    static Object[] madeUp() {
        return VictimTable.madeUp().keySet().toArray();
    }

    @ParameterizedTest
    @MethodSource("madeUp")
    void ageAloneIsNowhereMuchBetter(String name) {
        int[] stream = Objects.requireNonNull(VictimTable.madeUp().get(name)).get();
        assertThat(hits(stream, RAM, Policies.DEFAULT_VICTIMS)).isGreaterThan(hits(stream, RAM, "fifo") - 0.01);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sort", "hashjoin", "wordcount", "kmeans"})
    void workloadsMissNoMoreThanByAgeAlone(String workload) {
        int[] stream = RecordingMachine.record(workload, 2L << 20, SEED);
        int ram = (int) (Arrays.stream(stream).distinct().count() / 2);
        long missed = stream.length - Simulation.run(stream, ram, Policies.victims(Policies.DEFAULT_VICTIMS));
        long missedByAge = stream.length - Simulation.run(stream, ram, Policies.victims("fifo"));
        assertThat(missed).as("seed %d", SEED).isLessThan(missedByAge + missedByAge / 20);
    }

    @Test
    void theSimulationKnowsTheAnswersOfTheBook() {
        // Belady's own example; 3 frames.
        int[] stream = {0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4};
        assertThat(Simulation.run(stream, 3, VictimPolicy.byAge())).isEqualTo(3);
        assertThat(Simulation.run(stream, 4, VictimPolicy.byAge())).isEqualTo(2);
        assertThat(Simulation.lru(stream, 3)).isEqualTo(2);
        assertThat(Simulation.optimum(stream, 3)).isEqualTo(5);
    }

    /** Nobody executes the memory: faults come from the stream. */
    private static final class NoMmu implements Mmu {
        private final Set<Long> idle = new HashSet<>();

        @Override
        public void revoke(long page) {}

        @Override
        public void stopWriters(long firstPage, long pages) {}

        @Override
        public void drop(long firstPage, long pages) {}

        @Override
        public void relocate(PageMoves moves) {}

        @Override
        public void allowStores(long page) {}

        @Override
        public void fill(long page, long frame, boolean writable) {}

        @Override
        public void makeIdle(long[] pages, int count) {
            Arrays.stream(pages, 0, count).forEach(idle::add);
        }

        @Override
        public void mapAgain(long page, boolean writable) {
            idle.remove(page);
        }
    }

    static Object[] policies() {
        return Policies.victims().stream()
                .map(VictimPolicy::name)
                .flatMap(name -> Stream.of(name, name + Policies.SAMPLING))
                .toArray();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void theCoreDoesWhatTheSimulationSays(String policy) {
        int ram = 100;
        int pages = 1000;
        int[] stream = Streams.after(
                Streams.scanAndHotSet(60, 0.5, 900, 8000, SEED),
                Streams.loop(120, 4000),
                Streams.zipf(pages, 0.8, 8000, SEED),
                new Random(SEED).ints(2000, 0, pages).toArray());
        FrameBudget budget = new FrameBudget(ram, 0, Policies.victims(policy));
        long base = 1L << 40;
        long hits = 0;
        long accesses = 0;
        Simulation.Result simulated;
        try (Arena arena = Arena.ofShared();
                MemoryManager manager = MemoryManager.builder()
                        .node(MemoryManager.MIN_NODE_BYTES)
                        .build()) {
            NoMmu mmu = new NoMmu();
            AddressSpace space = manager.createAddressSpace(mmu);
            HomedMemory memory = manager.addHomedMemory("region", new ArenaStore(Page.address(pages)), budget);
            space.mapHomed(base, memory, Protection.READ_WRITE);
            StorageDevice device = StorageDevices.create(
                    manager,
                    "ram:8M",
                    StoreMemory.of(arena),
                    StorageOptions.defaults().withFaultAround(FaultAround.adaptive(1)));
            boolean[] resident = new boolean[pages];
            for (int page : stream) {
                if (resident[page]) {
                    hits++;
                    if (mmu.idle.contains(Page.of(base) + page)) {
                        assertThat(space.fault(base + Page.address(page), Access.READ))
                                .isEqualTo(FaultResult.IDLE);
                        assertThat(mmu.idle).doesNotContain(Page.of(base) + page);
                        accesses++;
                    }
                    continue;
                }
                if (budget.free() == 0) {
                    long victim = memory.pageOf(manager.coldFrames(memory, 1)[0]);
                    assertThat(device.evict(space, Page.address(victim), Page.SIZE))
                            .isOne();
                    resident[(int) (victim - Page.of(base))] = false;
                    mmu.idle.remove(victim);
                }
                assertThat(space.fault(base + Page.address(page), Access.WRITE)).isInstanceOf(FaultResult.Done.class);
                resident[page] = true;
                while (manager.watch(space, memory, 3) > 0) {
                    // All that the policy wants.
                }
            }
            assertThat(StateChecker.check(manager)).isEmpty();
            FaultAround same = FaultAround.adaptive(1);
            simulated = Simulation.run(stream, ram, Policies.victims(policy), page -> {
                same.pages(space, Page.of(base) + page);
                return same.arrived(space, Page.of(base) + page) > 0;
            });
        }
        assertThat(new Simulation.Result(hits, accesses)).as("seed %d", SEED).isEqualTo(simulated);
        assertThat(budget.workingSet().accesses()).isEqualTo(accesses);
        assertThat(accesses > 0).isEqualTo(policy.endsWith(Policies.SAMPLING));
        assertThat(budget.workingSet().refaults()).isPositive();
    }
}
