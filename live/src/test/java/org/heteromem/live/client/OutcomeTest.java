package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.heteromem.live.RefusedException;
import org.heteromem.live.wire.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the daemon has done for a program and the program never hears of is memory that stays pinned, and a program that waits. */
@Timeout(60)
class OutcomeTest {
    private static final Reply.Done DONE = new Reply.Done(1, 0);

    /** Runs nothing by itself. */
    private static final class Queue implements Executor {
        final Deque<Runnable> tasks = new ArrayDeque<>();

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        void run() {
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }

    private final Queue pool = new Queue();
    private final List<Object> unwanted = new ArrayList<>();

    private <T> Outcome<T> outcome(int requests, Result<T> result) {
        return new Outcome<>(requests, result, unwanted::add, pool);
    }

    private static void outOfMemory() {
        throw new OutOfMemoryError("no heap for a while");
    }

    @Test
    void whatTheProgramDoesNextIsNotDoneByWhoBringsTheReply() {
        CompletableFuture<Thread> next = new CompletableFuture<>();
        Outcome<Reply> outcome = new Outcome<>(1, List::getFirst);
        var after = outcome.future().thenAccept(_ -> next.complete(Thread.currentThread()));
        outcome.receiver(0).accept(DONE);
        assertThat(next.join()).isNotSameAs(Thread.currentThread());
        after.join();
    }

    @Test
    void severalRequestsAreOneResultInTheirOrderAndTheFirstReplyCounts() {
        Outcome<List<Reply>> outcome = outcome(3, replies -> replies);
        Reply.Done first = new Reply.Done(10, 0);
        outcome.receiver(2).accept(DONE);
        outcome.receiver(0).accept(first);
        assertThat(pool.tasks).isEmpty();
        outcome.receiver(1).accept(DONE);
        outcome.receiver(0).accept(new Reply.Lost("too late"));
        pool.run();
        assertThat(outcome.future().join()).containsExactly(first, DONE, DONE);
        assertThat(unwanted).isEmpty();
    }

    @Test
    void aPoolWithoutHeapGetsItAgain() {
        for (boolean queued : new boolean[] {false, true}) {
            Queue tasks = new Queue();
            AtomicInteger refusals = new AtomicInteger(3);
            AtomicInteger results = new AtomicInteger();
            Outcome<Object> outcome = new Outcome<>(1, _ -> results.incrementAndGet(), unwanted::add, task -> {
                if (refusals.getAndDecrement() <= 0) {
                    tasks.execute(task);
                    return;
                }
                if (queued) {
                    tasks.execute(task);
                }
                outOfMemory();
            });
            Consumer<Reply> receiver = outcome.receiver(0);
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> receiver.accept(new Reply.Done(1, 0))).isInstanceOf(OutOfMemoryError.class);
                assertThat(outcome.future()).isNotDone();
            }
            receiver.accept(DONE);
            tasks.run();
            assertThat(outcome.future().join()).isEqualTo(1);
            assertThat(results).hasValue(1);
            assertThat(unwanted).isEmpty();
        }
    }

    @Test
    void aResultThatFindsNoHeapIsMadeAgain() {
        AtomicInteger left = new AtomicInteger(3);
        Object pin = new Object();
        Outcome<Object> outcome = outcome(1, _ -> {
            if (left.getAndDecrement() > 0) {
                outOfMemory();
            }
            return pin;
        });
        outcome.receiver(0).accept(DONE);
        pool.run();
        assertThat(outcome.future().join()).isSameAs(pin);
        assertThat(unwanted).isEmpty();
    }

    @Test
    void whatIsNotWantedAnyMoreIsGivenBackAlsoWithoutHeapAtFirst() {
        AtomicInteger left = new AtomicInteger(2);
        Object pin = new Object();
        Outcome<Object> outcome = new Outcome<>(
                1,
                _ -> pin,
                value -> {
                    if (left.getAndDecrement() > 0) {
                        outOfMemory();
                    }
                    unwanted.add(value);
                },
                pool);
        outcome.future().cancel(false);
        outcome.receiver(0).accept(DONE);
        pool.run();
        assertThat(unwanted).containsExactly(pin);
    }

    @Test
    void aFailureReachesTheProgramAsFromAnyStageOfAFuture() {
        Outcome<Reply> outcome = outcome(1, replies -> replies.getFirst().expect(Reply.Done.class, "do it"));
        CompletableFuture<Throwable> seen = new CompletableFuture<>();
        var after = outcome.future().whenComplete((_, failure) -> seen.complete(failure));
        outcome.receiver(0).accept(new Reply.Refused(ErrorCode.NO_SPACE, "full"));
        pool.run();
        assertThat(seen.join()).isInstanceOf(CompletionException.class).hasCauseInstanceOf(RefusedException.class);
        assertThatThrownBy(after::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(RefusedException.class);
    }
}
