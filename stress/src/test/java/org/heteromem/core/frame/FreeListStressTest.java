package org.heteromem.core.frame;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
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

    @Param(name = "thread", gen = ThreadIdGen.class)
    public static class Product {
        private static final ArenaStore STORE = new ArenaStore(Page.address(FRAMES));
        private final FrameTable table = new FrameTable();
        private final RamNode node = new RamNode(0, table, 0, STORE);
        private final Deque<Long>[] held = deques();

        @Operation
        public boolean take(@Param(name = "thread") int thread) {
            long frame = node.allocate(0);
            return frame >= 0 && held[thread].add(frame);
        }

        @Operation
        public boolean give(@Param(name = "thread") int thread) {
            Long frame = held[thread].poll();
            if (frame == null) {
                return false;
            }
            table.put(frame);
            return true;
        }
    }

    /** Takes by looking at the number of free frames first. */
    @Param(name = "thread", gen = ThreadIdGen.class)
    public static class Seeded {
        private final AtomicInteger free = new AtomicInteger(FRAMES);
        private final Deque<Long>[] held = deques();

        @Operation
        public boolean take(@Param(name = "thread") int thread) {
            int now = free.get();
            if (now == 0) {
                return false;
            }
            Thread.yield();
            free.set(now - 1);
            return held[thread].add(0L);
        }

        @Operation
        public boolean give(@Param(name = "thread") int thread) {
            if (held[thread].poll() == null) {
                return false;
            }
            free.getAndIncrement();
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
        assertThatThrownBy(() -> check(Seeded.class, ITERATIONS_SEEDED)).isInstanceOf(LincheckAssertionError.class);
    }
}
