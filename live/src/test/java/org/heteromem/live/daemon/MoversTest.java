package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A part that is left out is memory that does not move, and an answer too early one of pages that still do. */
@Timeout(60)
class MoversTest {
    private static final int PARTS = 1000;

    /** Lets those who call it go on when so many have. */
    private static IntToLongFunction meet(int threads, Set<Thread> seen) {
        CyclicBarrier barrier = new CyclicBarrier(threads);
        return part -> {
            seen.add(Thread.currentThread());
            try {
                barrier.await();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            return 1;
        };
    }

    @Test
    void everyPartIsMovedOnceAndAllAreCounted() {
        try (Movers movers = new Movers(4)) {
            for (int round = 0; round < 50; round++) {
                AtomicIntegerArray times = new AtomicIntegerArray(PARTS);
                long moved = movers.move(PARTS, part -> {
                    times.incrementAndGet(part);
                    return part;
                });
                assertThat(moved).isEqualTo((long) PARTS * (PARTS - 1) / 2);
                assertThat(IntStream.range(0, PARTS).map(times::get)).containsOnly(1);
            }
            assertThat(movers.move(0, part -> 1)).isZero();
        }
    }

    @Test
    void asManyHelpAsThereAreCpusAndNotMoreThanABusNeeds() {
        Set<Thread> two = ConcurrentHashMap.newKeySet();
        try (Movers movers = new Movers(2)) {
            assertThat(movers.move(2, meet(2, two))).isEqualTo(2);
        }
        assertThat(two).hasSize(2).contains(Thread.currentThread());
        Set<Thread> many = ConcurrentHashMap.newKeySet();
        try (Movers movers = new Movers(64)) {
            int threads = Movers.MOST + 1;
            assertThat(movers.move(threads, meet(threads, many))).isEqualTo(threads);
            movers.move(PARTS, part -> many.add(Thread.currentThread()) ? 1 : 0);
        }
        assertThat(many).hasSize(Movers.MOST + 1);
    }

    @Test
    void nobodyHelpsWhereThereIsOneCpuOrOnePart() {
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        try (Movers one = new Movers(1);
                Movers four = new Movers(4)) {
            one.move(PARTS, part -> seen.add(Thread.currentThread()) ? 1 : 0);
            four.move(1, part -> seen.add(Thread.currentThread()) ? 1 : 0);
        }
        assertThat(seen).containsExactly(Thread.currentThread());
    }

    @Test
    void nobodyWaitsForTheWorkOfAnother() throws InterruptedException {
        CountDownLatch disk = new CountDownLatch(1);
        CountDownLatch stuck = new CountDownLatch(Movers.MOST + 1);
        try (Movers movers = new Movers(64)) {
            Thread other = Thread.ofPlatform()
                    .start(() -> movers.move(PARTS, part -> {
                        stuck.countDown();
                        try {
                            disk.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return 1;
                    }));
            stuck.await();
            assertThat(movers.move(PARTS, part -> 1)).isEqualTo(PARTS);
            disk.countDown();
            other.join();
        }
    }

    @Test
    void whatFailsIsThrownToWhoAskedOnceNothingIsUnderWay() {
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger begun = new AtomicInteger();
        try (Movers movers = new Movers(4)) {
            assertThatThrownBy(() -> movers.move(PARTS, part -> {
                        underWay.incrementAndGet();
                        begun.incrementAndGet();
                        try {
                            if (part == 1) {
                                throw new IllegalStateException("part 1");
                            }
                            Thread.sleep(5);
                            return 1;
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        } finally {
                            underWay.decrementAndGet();
                        }
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("part 1");
            assertThat(underWay).hasValue(0);
            assertThat(begun).hasValueLessThan(PARTS);
            assertThatThrownBy(() -> movers.move(PARTS, part -> {
                        throw new StackOverflowError("all of them");
                    }))
                    .isInstanceOf(StackOverflowError.class);
            assertThat(movers.move(PARTS, part -> 1)).isEqualTo(PARTS);
        }
    }

    @Test
    void aDaemonThatClosesMovesTheRestAlone() {
        Movers movers = new Movers(4);
        movers.close();
        assertThat(movers.move(PARTS, part -> 1)).isEqualTo(PARTS);
    }

    @Test
    void anInterruptIsKeptForLater() {
        try (Movers movers = new Movers(2)) {
            Thread.currentThread().interrupt();
            assertThat(movers.move(PARTS, part -> 1)).isEqualTo(PARTS);
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
