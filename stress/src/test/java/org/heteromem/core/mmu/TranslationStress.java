package org.heteromem.core.mmu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * Loads and stores against a migration on the processor that runs the test, reordering included. Each class named Product is
 * right; each named Seeded leaves one step out and must be found wrong. See {@link MiniProcess}.
 */
public final class TranslationStress {
    /** Many more than are in use at a time: a cache is large, and making one for each sample leaves few samples. */
    private static final int PROCESSES = 1024;

    private static final Map<MiniProcess.Fault, Pool> POOLS = new ConcurrentHashMap<>();

    private TranslationStress() {}

    /** Processes with one thread each, handed out in turn, as new. */
    private static final class Pool {
        private final MiniProcess[] processes = new MiniProcess[PROCESSES];
        private final MiniProcess.Hart[] harts = new MiniProcess.Hart[PROCESSES];
        private final AtomicInteger next = new AtomicInteger();

        Pool(MiniProcess.Fault fault) {
            for (int i = 0; i < PROCESSES; i++) {
                processes[i] = new MiniProcess(fault);
                harts[i] = processes[i].newHart();
            }
        }

        /** {@return the number of a process that nobody uses any more} */
        int take() {
            int index = next.getAndIncrement() & (PROCESSES - 1);
            processes[index].reset();
            return index;
        }
    }

    /** A store that finds its translation, while the page moves. */
    @State
    public static class Store {
        private final MiniProcess process;
        private final MiniProcess.Hart cpu;

        Store(MiniProcess.Fault fault) {
            Pool pool = POOLS.computeIfAbsent(fault, Pool::new);
            int index = pool.take();
            process = pool.processes[index];
            cpu = pool.harts[index];
            cpu.loadLong(MiniProcess.ADDRESS);
        }

        final void store() {
            cpu.store(MiniProcess.ADDRESS, 1);
        }

        final void migrate() {
            process.migrate();
        }

        final long word() {
            return process.word();
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the store is where the page is")
    @Outcome(expect = FORBIDDEN, desc = "the store was lost")
    @State
    public static class StoreProduct extends Store {
        public StoreProduct() {
            super(MiniProcess.Fault.NONE);
        }

        @Actor
        public void cpu() {
            store();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            r.r1 = word();
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the store is where the page is")
    @Outcome(expect = FORBIDDEN, desc = "the store was lost")
    @State
    public static class StoreSeededNoFence extends Store {
        public StoreSeededNoFence() {
            super(MiniProcess.Fault.STORE_HAS_NO_FENCE);
        }

        @Actor
        public void cpu() {
            store();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            r.r1 = word();
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the store is where the page is")
    @Outcome(expect = FORBIDDEN, desc = "the store was lost")
    @State
    public static class StoreSeededNoWait extends Store {
        public StoreSeededNoWait() {
            super(MiniProcess.Fault.SHOOT_DOWN_DOES_NOT_WAIT);
        }

        @Actor
        public void cpu() {
            store();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            r.r1 = word();
        }
    }

    /** A load that finds its translation, while the page moves and its frame gets a new owner. */
    @State
    public static class Load {
        private final MiniProcess process;
        private final MiniProcess.Hart cpu;

        Load(MiniProcess.Fault fault, boolean filled) {
            Pool pool = POOLS.computeIfAbsent(fault, Pool::new);
            int index = pool.take();
            process = pool.processes[index];
            cpu = pool.harts[index];
            if (filled) {
                cpu.loadLong(MiniProcess.ADDRESS);
            }
        }

        final long load() {
            return cpu.load(MiniProcess.ADDRESS);
        }

        final void migrate() {
            process.migrate();
        }
    }

    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the page's own bytes")
    @Outcome(expect = FORBIDDEN, desc = "the bytes of the frame's next owner")
    @State
    public static class LoadProduct extends Load {
        public LoadProduct() {
            super(MiniProcess.Fault.NONE, true);
        }

        @Actor
        public void cpu(J_Result r) {
            r.r1 = load();
        }

        @Actor
        public void migrator() {
            migrate();
        }
    }

    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the page's own bytes")
    @Outcome(expect = FORBIDDEN, desc = "the bytes of the frame's next owner")
    @State
    public static class LoadSeededNoSecondLook extends Load {
        public LoadSeededNoSecondLook() {
            super(MiniProcess.Fault.LOAD_DOES_NOT_LOOK_AGAIN, true);
        }

        @Actor
        public void cpu(J_Result r) {
            r.r1 = load();
        }

        @Actor
        public void migrator() {
            migrate();
        }
    }

    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the page's own bytes")
    @Outcome(expect = FORBIDDEN, desc = "the bytes of the frame's next owner")
    @State
    public static class FillProduct extends Load {
        public FillProduct() {
            super(MiniProcess.Fault.NONE, false);
        }

        @Actor
        public void cpu(J_Result r) {
            r.r1 = load();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            // A translation that was left behind shows at the next load.
            r.r1 |= load();
        }
    }

    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the page's own bytes")
    @Outcome(expect = FORBIDDEN, desc = "the bytes of the frame's next owner")
    @State
    public static class FillSeededNoSecondLook extends Load {
        public FillSeededNoSecondLook() {
            super(MiniProcess.Fault.FILL_DOES_NOT_LOOK_AGAIN, false);
        }

        @Actor
        public void cpu(J_Result r) {
            r.r1 = load();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            r.r1 |= load();
        }
    }

    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the page's own bytes")
    @Outcome(expect = FORBIDDEN, desc = "the bytes of the frame's next owner")
    @State
    public static class FillSeededNoFence extends Load {
        public FillSeededNoFence() {
            super(MiniProcess.Fault.FILL_HAS_NO_FENCE, false);
        }

        @Actor
        public void cpu(J_Result r) {
            r.r1 = load();
        }

        @Actor
        public void migrator() {
            migrate();
        }

        @Arbiter
        public void after(J_Result r) {
            r.r1 |= load();
        }
    }
}
