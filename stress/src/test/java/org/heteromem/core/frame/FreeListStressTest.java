package org.heteromem.core.frame;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random scenarios on a node's free list, run at full speed; every result must be one that some order of the calls gives. */
@Tag("lincheck")
class FreeListStressTest {
    private static final int FRAMES = 3;
    private static final int THREADS = 8;
    private static final String TWICE = "handed out twice";
    private static final int ITERATIONS = 8;
    private static final int INVOCATIONS = Integer.getInteger("heteromem.lincheck.stress", 500);
    /** A scheduler in a bad mood may hide a race for long; the first that shows ends the search. */
    private static final int ITERATIONS_SEEDED = 400;

    /** What the results are compared with. */
    public static class Counted {
        private final int[] held = new int[THREADS];
        private int free = FRAMES;

        public boolean take(int thread) {
            if (free == 0) {
                return false;
            }
            free--;
            held[thread]++;
            return true;
        }

        public boolean give(int thread) {
            if (held[thread] == 0) {
                return false;
            }
            held[thread]--;
            free++;
            return true;
        }
    }

    /** Who has which frame: one that is handed out twice is an error of the call that got it last. */
    private static final class Owners {
        private final AtomicIntegerArray taken = new AtomicIntegerArray(FRAMES);

        boolean isTaken(int frame) {
            return taken.get(frame) != 0;
        }

        void take(int frame) {
            if (!taken.compareAndSet(frame, 0, 1)) {
                throw new IllegalStateException(TWICE);
            }
        }

        void give(int frame) {
            taken.set(frame, 0);
        }
    }

    @Param(name = "thread", gen = ThreadIdGen.class)
    public static class Product {
        private static final ArenaStore STORE = new ArenaStore(Page.address(FRAMES));
        private final FrameTable table = new FrameTable();
        private final RamNode node = new RamNode(0, table, 0, STORE);
        private final Deque<Long>[] held = deques();
        private final Owners owners = new Owners();

        @Operation
        public boolean take(@Param(name = "thread") int thread) {
            long frame = node.allocate(0);
            if (frame < 0) {
                return false;
            }
            owners.take((int) frame);
            return held[thread].add(frame);
        }

        @Operation
        public boolean give(@Param(name = "thread") int thread) {
            Long frame = held[thread].poll();
            if (frame == null) {
                return false;
            }
            owners.give(frame.intValue());
            table.put(frame);
            return true;
        }
    }

    /** Counts well, but chooses a frame by a look, and takes it then. */
    @Param(name = "thread", gen = ThreadIdGen.class)
    public static class Seeded {
        private final Semaphore free = new Semaphore(FRAMES);
        private final Deque<Long>[] held = deques();
        private final Owners owners = new Owners();

        @Operation
        public boolean take(@Param(name = "thread") int thread) {
            if (!free.tryAcquire()) {
                return false;
            }
            int frame = 0;
            while (owners.isTaken(frame)) {
                frame = (frame + 1) % FRAMES;
            }
            Thread.yield();
            owners.take(frame);
            return held[thread].add((long) frame);
        }

        @Operation
        public boolean give(@Param(name = "thread") int thread) {
            Long frame = held[thread].poll();
            if (frame == null) {
                return false;
            }
            owners.give(frame.intValue());
            free.release();
            return true;
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Deque<Long>[] deques() {
        Deque<Long>[] all = new Deque[THREADS];
        for (int i = 0; i < THREADS; i++) {
            all[i] = new ArrayDeque<>();
        }
        return all;
    }

    private static void check(Class<?> list, int iterations) {
        new StressOptions()
                .iterations(iterations)
                .invocationsPerIteration(INVOCATIONS)
                .minimizeFailedScenario(false)
                .threads(3)
                .actorsPerThread(4)
                .actorsBefore(0)
                .actorsAfter(3)
                .sequentialSpecification(Counted.class)
                .check(list);
    }

    @Test
    void takingAndGivingFramesIsLinearizable() {
        check(Product.class, ITERATIONS);
    }

    @Test
    void aLookBeforeTheTakeIsFoundWrong() {
        assertThatThrownBy(() -> check(Seeded.class, ITERATIONS_SEEDED))
                .isInstanceOf(LincheckAssertionError.class)
                .hasMessageContaining("IllegalStateException");
    }
}
