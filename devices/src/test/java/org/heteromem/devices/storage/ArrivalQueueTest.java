package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The order of arrivals beside a map that keeps the order of its keys. */
class ArrivalQueueTest {
    private static final int SLOTS = 1 << 14;

    /** By slot, in order of arrival. */
    private final Map<Integer, Integer> there = new LinkedHashMap<>();

    private final ArrivalQueue queue = new ArrivalQueue((slot, arrival) -> there.getOrDefault(slot, -1) == arrival);

    private void come(int slot, int pages) {
        int arrival = queue.number(pages);
        for (int i = 0; i < pages; i++) {
            there.remove(slot + i); // its new place is the last
            there.put(slot + i, (arrival + i) & ArrivalQueue.ARRIVAL_MASK);
        }
        queue.add(slot, pages, arrival);
    }

    private void expectColdest(int most) {
        List<Integer> expected = there.keySet().stream().limit(most).toList();
        assertThat(Arrays.stream(queue.poll(most)).mapToObj(ArrivalQueue::slot).toList())
                .isEqualTo(expected);
        expected.forEach(there::remove);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void pagesAreNamedInTheOrderInWhichTheyCame(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int step = 0; step < 20_000; step++) {
            int pages = random.nextInt(10) == 0 ? 1 + random.nextInt(1200) : 1;
            int slot = random.nextInt(SLOTS - pages);
            switch (random.nextInt(20)) {
                case 0 -> expectColdest(random.nextInt(600));
                case 1, 2, 3, 4, 5 -> there.remove(slot);
                default -> come(slot, pages);
            }
        }
        List<Integer> named = new ArrayList<>();
        queue.forEachThere(named::add);
        assertThat(named).containsExactlyElementsOf(there.keySet());
        expectColdest(SLOTS);
        assertThat(queue.poll(1)).isEmpty();
    }

    /** Else a device whose pages come and go for hours would need ever more heap. */
    @Test
    void thereAreLittleMoreEntriesThanPages() {
        SplittableRandom random = new SplittableRandom(7);
        come(0, SLOTS);
        int most = 0;
        for (int i = 0; i < 20 * SLOTS; i++) {
            come(random.nextInt(SLOTS), 1);
            most = Math.max(most, queue.entries());
        }
        assertThat(there).hasSize(SLOTS);
        assertThat(most).isBetween(SLOTS, SLOTS + SLOTS / 4 + 1024);
    }

    @Test
    void pagesThatCameTogetherAndHaveNotLeftAreOneEntry() {
        come(0, 512);
        come(512, 512);
        assertThat(queue.entries()).isEqualTo(2);
        there.keySet()
                .removeAll(there.keySet().stream().filter(slot -> slot < 100).collect(Collectors.toSet()));
        expectColdest(50);
        assertThat(queue.entries()).isEqualTo(2);
        expectColdest(1000);
        assertThat(queue.entries()).isZero();
    }

    @Test
    void whatADeviceIsFilledWithAgainAndAgainIsKeptInTheSamePieces() {
        AtomicBoolean full = new AtomicBoolean(true);
        ArrivalQueue again = new ArrivalQueue((_, _) -> full.get());
        Runnable fill = () -> {
            for (int slot = 0; slot < 20 * SLOTS; slot++) {
                again.add(slot, 1, again.number(1));
            }
        };
        fill.run();
        int pieces = again.pieces();
        full.set(false);
        assertThat(again.poll(1)).isEmpty();
        assertThat(again.entries()).isZero();
        assertThat(again.pieces()).isEqualTo(pieces);
        full.set(true);
        fill.run();
        assertThat(again.pieces()).isEqualTo(pieces);
    }
}
