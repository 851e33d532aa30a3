package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FreeRunsTest {
    private record Taken(long start, long pages) {}

    /** Against one bit a page: what is given out is free, aligned and inside, and what fits is never refused. */
    @Test
    void handsOutWhatIsFreeAndOnlyThat() {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        try {
            run(new Random(seed));
        } catch (Throwable t) {
            throw new AssertionError("seed " + seed + " (repeat with -Dheteromem.seed=" + seed + ")", t);
        }
    }

    private static void run(Random random) {
        for (int round = 0; round < 50; round++) {
            int pages = 1 + random.nextInt(400);
            long first = random.nextInt(1 << 20);
            FreeRuns runs = new FreeRuns(first, pages);
            BitSet used = new BitSet();
            List<Taken> taken = new ArrayList<>();
            for (int step = 0; step < 500; step++) {
                if (!taken.isEmpty() && random.nextInt(5) < 2) {
                    Taken back = taken.remove(random.nextInt(taken.size()));
                    runs.give(back.start, back.pages);
                    used.clear((int) (back.start - first), (int) (back.start - first + back.pages));
                } else {
                    long count = 1L + random.nextInt(random.nextBoolean() ? 4 : 60);
                    long alignment = 1L << (random.nextInt(4) == 0 ? random.nextInt(7) : 0);
                    long start = runs.take(count, alignment);
                    assertThat(start >= 0)
                            .as(count + " pages aligned to " + alignment)
                            .isEqualTo(fits(used, first, pages, count, alignment));
                    if (start >= 0) {
                        assertThat(start % alignment).isZero();
                        assertThat(start).isBetween(first, first + pages - count);
                        int from = (int) (start - first);
                        assertThat(used.get(from, from + (int) count).isEmpty()).isTrue();
                        used.set(from, from + (int) count);
                        taken.add(new Taken(start, count));
                    }
                }
                assertThat(runs.freePages()).isEqualTo(pages - used.cardinality());
                assertThat(runs.runs()).isEqualTo(holes(used, pages));
                assertThat(runs.isWhollyFree()).isEqualTo(used.isEmpty());
            }
        }
    }

    private static boolean fits(BitSet used, long first, int pages, long count, long alignment) {
        for (int from = 0; from + count <= pages; from++) {
            if ((first + from) % alignment == 0
                    && used.get(from, from + (int) count).isEmpty()) {
                return true;
            }
        }
        return false;
    }

    private static int holes(BitSet used, int pages) {
        int holes = 0;
        for (int page = 0; page < pages; page++) {
            if (!used.get(page) && (page == 0 || used.get(page - 1))) {
                holes++;
            }
        }
        return holes;
    }

    @Test
    void theShortestRunThatFitsIsCut() {
        FreeRuns runs = new FreeRuns(0, 100);
        assertThat(runs.take(100, 1)).isZero();
        runs.give(0, 50);
        runs.give(60, 10);
        runs.give(80, 20);
        assertThat(runs.take(8, 1)).isEqualTo(60);
        assertThat(runs.take(15, 1)).isEqualTo(80);
    }

    @Test
    void whatIsFreeOrForeignCannotBeGivenBack() {
        FreeRuns runs = new FreeRuns(1000, 10);
        runs.take(5, 1);
        runs.give(1001, 2);
        assertThatIllegalStateException().isThrownBy(() -> runs.give(1002, 2)).withMessageContaining("1002+2");
        assertThatIllegalStateException().isThrownBy(() -> runs.give(1000, 2)).withMessageContaining("1001+2");
        assertThatIllegalStateException().isThrownBy(() -> runs.give(999, 1));
        assertThatIllegalStateException().isThrownBy(() -> runs.give(1009, Long.MAX_VALUE));
        assertThatIllegalStateException().isThrownBy(() -> runs.give(1000, 0));
    }
}
