package org.heteromem.core.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** One that two have at once would be two faults that move each other's pages. */
class SparesTest {
    private static final int THREADS = 4;

    @Test
    void noneIsGivenToTwoAtOnce() throws Exception {
        Spares<AtomicInteger> spares = new Spares<>(2);
        CountDownLatch begin = new CountDownLatch(THREADS);
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<Integer>> made = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                made.add(threads.submit(() -> {
                    begin.countDown();
                    begin.await();
                    int fresh = 0;
                    for (int i = 0; i < 200_000; i++) {
                        AtomicInteger users = spares.take();
                        if (users == null) {
                            users = new AtomicInteger();
                            fresh++;
                        }
                        assertThat(users.incrementAndGet()).isOne();
                        users.decrementAndGet();
                        spares.give(users);
                    }
                    return fresh;
                }));
            }
            for (Future<Integer> fresh : made) {
                assertThat(fresh.get()).isLessThan(200_000);
            }
        }
    }

    @Test
    void asManyAsAreWantedAreKept() {
        Spares<String> spares = new Spares<>(2);
        assertThat(spares.take()).isNull();
        List.of("a", "b", "c").forEach(spares::give);
        assertThat(List.of(spares.take(), spares.take())).containsExactlyInAnyOrder("a", "b");
        assertThat(spares.take()).isNull();
    }
}
