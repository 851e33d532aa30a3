package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.live.RefusedException;
import org.heteromem.live.wire.ErrorCode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the daemon has done for a program and the program never hears of is memory that stays pinned, and a program that waits. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OutcomeTest {
    private static final Reply.Done DONE = new Reply.Done(1, 0);

    private final Outcomes outcomes = new Outcomes();
    private final List<Object> unwanted = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void close() {
        outcomes.close();
    }

    private static void outOfMemory() {
        throw new OutOfMemoryError("no heap for a while");
    }

    private static Reply.Done done(long value) {
        return new Reply.Done(value, 0);
    }

    @Test
    void whatTheProgramDoesNextIsNotDoneByWhoBringsTheReplyAndHoldsUpNobody() {
        List<CompletableFuture<Thread>> next = new ArrayList<>();
        CountDownLatch allOfThem = new CountDownLatch(20);
        for (int i = 0; i < 20; i++) {
            Outcome<Reply> outcome = outcomes.outcome(1, List::getFirst, unwanted::add);
            next.add(outcome.future().thenApply(_ -> {
                allOfThem.countDown();
                try {
                    // Such as a page that comes only when the others have been served.
                    allOfThem.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return Thread.currentThread();
            }));
            outcome.receiver(0).accept(DONE);
        }
        for (CompletableFuture<Thread> one : next) {
            assertThat(one.join()).isNotSameAs(Thread.currentThread());
        }
    }

    @Test
    void severalRequestsAreOneResultInTheirOrderAndTheFirstReplyCounts() {
        Outcome<List<Reply>> outcome = outcomes.outcome(3, replies -> replies, unwanted::add);
        outcome.receiver(2).accept(done(3));
        outcome.receiver(0).accept(done(1));
        outcome.receiver(0).accept(new Reply.Lost("too late"));
        assertThat(outcome.future()).isNotDone();
        outcome.receiver(1).accept(done(2));
        outcome.receiver(1).accept(new Reply.Lost("too late"));
        assertThat(outcome.future().join()).containsExactly(done(1), done(2), done(3));
        assertThat(unwanted).isEmpty();
    }

    @Test
    void whatManyThreadsBringArrivesEachOnce() throws Exception {
        int each = 2000;
        AtomicInteger results = new AtomicInteger();
        List<List<CompletableFuture<Long>>> futures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
            List<CompletableFuture<Long>> mine = new ArrayList<>();
            futures.add(mine);
            threads.add(Thread.ofPlatform().start(() -> {
                for (long i = 0; i < each; i++) {
                    Outcome<Long> outcome = outcomes.outcome(
                            1,
                            replies -> {
                                results.incrementAndGet();
                                return ((Reply.Done) replies.getFirst()).value();
                            },
                            unwanted::add);
                    mine.add(outcome.future());
                    outcome.receiver(0).accept(done(i));
                    outcome.receiver(0).accept(new Reply.Lost("told twice"));
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        for (List<CompletableFuture<Long>> mine : futures) {
            for (int i = 0; i < each; i++) {
                assertThat(mine.get(i).join()).isEqualTo(i);
            }
        }
        assertThat(results).hasValue(4 * each);
    }

    @Test
    void whatCannotBeHandedOnForWantOfHeapIsHandedOnLater() throws Exception {
        AtomicInteger refusals = new AtomicInteger(3);
        Outcomes poor = new Outcomes(task -> {
            if (refusals.getAndDecrement() > 0) {
                outOfMemory();
            }
            Thread.ofPlatform().daemon().start(task);
        });
        try {
            List<CompletableFuture<Long>> futures = new ArrayList<>();
            for (long i = 0; i < 5; i++) {
                Outcome<Long> outcome =
                        poor.outcome(1, replies -> ((Reply.Done) replies.getFirst()).value(), unwanted::add);
                outcome.receiver(0).accept(done(i));
                futures.add(outcome.future());
            }
            for (int i = 0; i < 5; i++) {
                assertThat(futures.get(i).join()).isEqualTo(i);
            }
        } finally {
            poor.close();
        }
        assertThat(refusals).hasNegativeValue();
        // Also what comes when its thread has gone.
        Outcome<Reply> late = poor.outcome(1, List::getFirst, unwanted::add);
        late.receiver(0).accept(DONE);
        assertThat(late.future().join()).isEqualTo(DONE);
    }

    @Test
    void nothingIsLeftRunningOfWhatIsClosed() throws Exception {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        for (int round = 0; round < 20; round++) {
            Outcomes closed = new Outcomes();
            Outcome<Reply> outcome = closed.outcome(1, List::getFirst, unwanted::add);
            Outcome<Reply> lost = closed.outcome(1, List::getFirst, unwanted::add);
            Outcome<Reply> forgotten = closed.outcome(1, List::getFirst, unwanted::add);
            outcome.receiver(0).accept(DONE);
            assertThat(outcome.future().join()).isEqualTo(DONE);
            if (round % 2 == 0) {
                lost.receiver(0).accept(new Reply.Lost("closed"));
                closed.close();
            } else {
                closed.close();
                lost.receiver(0).accept(new Reply.Lost("closed"));
            }
            assertThat(lost.future().join()).isInstanceOf(Reply.Lost.class);
            forgotten.forget();
            Outcome<Reply> late = closed.outcome(1, List::getFirst, unwanted::add);
            late.receiver(0).accept(new Reply.Lost("closed"));
            late.future().join();
        }
        for (int tries = 0; dispatchersBeside(before) > 0; tries++) {
            assertThat(tries).as("dispatchers that do not end").isLessThan(1000);
            Thread.sleep(10);
        }
    }

    private static long dispatchersBeside(Set<Thread> before) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("heteromem-answers") && !before.contains(thread))
                .count();
    }

    @Test
    void aResultThatFindsNoHeapIsMadeAgain() {
        AtomicInteger left = new AtomicInteger(3);
        Object pin = new Object();
        Outcome<Object> outcome = outcomes.outcome(
                1,
                _ -> {
                    if (left.getAndDecrement() > 0) {
                        outOfMemory();
                    }
                    return pin;
                },
                unwanted::add);
        outcome.receiver(0).accept(DONE);
        assertThat(outcome.future().join()).isSameAs(pin);
    }

    @Test
    void whatIsNotWantedAnyMoreIsGivenBackAlsoWithoutHeapAtFirst() throws Exception {
        AtomicInteger left = new AtomicInteger(2);
        Object pin = new Object();
        CompletableFuture<Object> back = new CompletableFuture<>();
        Outcome<Object> outcome = outcomes.outcome(1, _ -> pin, value -> {
            if (left.getAndDecrement() > 0) {
                outOfMemory();
            }
            back.complete(value);
        });
        outcome.future().cancel(false);
        outcome.receiver(0).accept(DONE);
        assertThat(back.get(60, TimeUnit.SECONDS)).isSameAs(pin);
    }

    @Test
    void aFailureReachesTheProgramAsFromAnyStageOfAFuture() {
        Outcome<Reply> outcome =
                outcomes.outcome(1, replies -> replies.getFirst().expect(Reply.Done.class, "do it"), unwanted::add);
        CompletableFuture<Throwable> seen = new CompletableFuture<>();
        var after = outcome.future().whenComplete((_, failure) -> seen.complete(failure));
        outcome.receiver(0).accept(new Reply.Refused(ErrorCode.NO_SPACE, "full"));
        assertThat(seen.join()).isInstanceOf(CompletionException.class).hasCauseInstanceOf(RefusedException.class);
        assertThatThrownBy(after::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(RefusedException.class);
    }
}
