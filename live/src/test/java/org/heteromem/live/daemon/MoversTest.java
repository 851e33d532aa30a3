package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A part that is left out is memory that does not move, and an answer too early one of pages that still do. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MoversTest {
    private static final int PARTS = 1000;

    /** How many threads begin with parts while none has ended one; waits until there are so many, and looks for more. */
    private static int threadsOf(Movers movers, int parts, long most, int expected) {
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        CountDownLatch there = new CountDownLatch(expected);
        assertThat(movers.move(parts, most, part -> {
                    if (seen.add(Thread.currentThread())) {
                        there.countDown();
                    }
                    try {
                        there.await();
                        Thread.sleep(1);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    return 1;
                }))
                .isEqualTo(parts);
        assertThat(seen).contains(Thread.currentThread());
        return seen.size();
    }

    @Test
    void everyPartIsMovedOnceAndAllAreCounted() {
        try (Movers movers = new Movers(4)) {
            for (int round = 0; round < 50; round++) {
                AtomicIntegerArray times = new AtomicIntegerArray(PARTS);
                long moved = movers.move(PARTS, 9, part -> {
                    times.incrementAndGet(part);
                    return part;
                });
                assertThat(moved).isEqualTo((long) PARTS * (PARTS - 1) / 2);
                assertThat(IntStream.range(0, PARTS).map(times::get)).containsOnly(1);
            }
            assertThat(movers.move(0, 9, part -> 1)).isZero();
        }
    }

    @Test
    void asManyHelpAsThereAreCpusAndWorkAndNotMoreThanABusNeeds() {
        try (Movers two = new Movers(2);
                Movers many = new Movers(64)) {
            assertThat(threadsOf(two, 100, 9, 2)).isEqualTo(2);
            assertThat(threadsOf(many, 100, 9, Movers.MOST + 1)).isEqualTo(Movers.MOST + 1);
            assertThat(threadsOf(many, 100, 1, 2)).isEqualTo(2);
            assertThat(threadsOf(many, 2, 9, 2)).isEqualTo(2);
        }
    }

    @Test
    void nobodyHelpsWhereThereIsOneCpuOrOnePartOrLittleToDo() {
        try (Movers one = new Movers(1);
                Movers four = new Movers(4)) {
            assertThat(threadsOf(one, 100, 9, 1)).isEqualTo(1);
            assertThat(threadsOf(four, 1, 9, 1)).isEqualTo(1);
            assertThat(threadsOf(four, 100, 0, 1)).isEqualTo(1);
        }
    }

    @Test
    void whatTheSystemHasNoThreadForIsDoneWithout() {
        for (int threads = 0; threads < Movers.MOST; threads++) {
            AtomicInteger left = new AtomicInteger(threads);
            ThreadFactory poor = task -> {
                if (left.getAndDecrement() <= 0) {
                    throw new OutOfMemoryError("unable to create native thread");
                }
                return Thread.ofPlatform().daemon().unstarted(task);
            };
            try (Movers movers = new Movers(64, poor)) {
                assertThat(threadsOf(movers, 100, 9, threads + 1)).isEqualTo(threads + 1);
            }
        }
    }

    @Test
    void nobodyWaitsForTheWorkOfAnother() throws InterruptedException {
        CountDownLatch disk = new CountDownLatch(1);
        CountDownLatch stuck = new CountDownLatch(Movers.MOST + 1);
        try (Movers movers = new Movers(64)) {
            Thread other = Thread.ofPlatform()
                    .start(() -> movers.move(PARTS, 9, part -> {
                        stuck.countDown();
                        try {
                            disk.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return 1;
                    }));
            stuck.await();
            assertThat(movers.move(PARTS, 9, part -> 1)).isEqualTo(PARTS);
            disk.countDown();
            other.join();
        }
    }

    @Test
    void whatFailsIsThrownToWhoAskedOnceNothingIsUnderWay() {
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger begun = new AtomicInteger();
        try (Movers movers = new Movers(4)) {
            assertThatThrownBy(() -> movers.move(PARTS, 9, part -> {
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
            assertThatThrownBy(() -> movers.move(PARTS, 9, part -> {
                        throw new StackOverflowError("all of them");
                    }))
                    .isInstanceOf(StackOverflowError.class);
            assertThat(movers.move(PARTS, 9, part -> 1)).isEqualTo(PARTS);
        }
    }

    @Test
    void aDaemonThatClosesMovesTheRestAlone() {
        Movers movers = new Movers(4);
        movers.close();
        assertThat(movers.move(PARTS, 9, part -> 1)).isEqualTo(PARTS);
    }

    @Test
    void anInterruptIsKeptForLater() {
        try (Movers movers = new Movers(2)) {
            Thread.currentThread().interrupt();
            assertThat(movers.move(PARTS, 9, part -> 1)).isEqualTo(PARTS);
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
