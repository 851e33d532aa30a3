package org.heteromem.live.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A program's future of what it asked without waiting, in one request or several. It is completed by a thread of {@link
 * Outcomes}, never by the reader of the connection: what the program does with it may touch managed memory.
 *
 * <p>Nothing that the daemon has done is lost because the program has no heap when the answer comes: what could not be handed
 * over is handed over again until it could be. Thread-safe.
 *
 * @param <T> what the program gets
 */
final class Outcome<T> implements Runnable {
    private final CompletableFuture<T> future = new CompletableFuture<>();
    private final AtomicReferenceArray<@Nullable Reply> replies;
    private final Result<T> result;
    private final Consumer<T> unwanted;
    private final Outcomes outcomes;
    private final AtomicBoolean begun = new AtomicBoolean();
    /** Made now: where it is needed there may be no heap. */
    private final Runnable completing = this::complete;
    /** Who has begun; written by him. */
    private volatile @Nullable Thread thread;
    /** When it was given to a thread, or 0; {@link Outcomes}' thread only. */
    private long handed;

    /** See {@link Outcomes#outcome}. */
    Outcome(int requests, Result<T> result, Consumer<T> unwanted, Outcomes outcomes) {
        this.replies = new AtomicReferenceArray<>(requests);
        this.result = result;
        this.unwanted = unwanted;
        this.outcomes = outcomes;
    }

    CompletableFuture<T> future() {
        return future;
    }

    /** {@return the receiver of the reply to a request, by its number from 0: needs no heap, and takes the first reply only} */
    Consumer<Reply> receiver(int request) {
        return reply -> {
            replies.compareAndSet(request, null, reply);
            outcomes.replied();
        };
    }

    /** Nobody has asked, or not for all of it: nobody has the future. */
    void forget() {
        outcomes.forget(this);
    }

    boolean isReplied() {
        for (int i = 0; i < replies.length(); i++) {
            if (replies.get(i) == null) {
                return false;
            }
        }
        return true;
    }

    boolean hasBegun() {
        return begun.get();
    }

    boolean isToBeHanded(long now, long lostNanos) {
        return handed == 0 || now - handed > lostNanos;
    }

    void setHanded(long now) {
        handed = now == 0 ? 1 : now;
    }

    /** Completes the future, as soon as there is heap for it. Once, however often it is called. */
    @Override
    public void run() {
        Heap.retry(completing);
    }

    private void complete() {
        // Whoever begins goes on until it is done: so what comes later has nothing to do.
        if (thread != Thread.currentThread()) {
            if (!begun.compareAndSet(false, true)) {
                return;
            }
            thread = Thread.currentThread();
        }
        @Nullable T value;
        try {
            value = result.of(all());
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            future.completeExceptionally(new CompletionException(e));
            return;
        }
        if (!future.complete(value) && value != null && !isResult(value)) {
            unwanted.accept(value);
        }
    }

    /** Whether an earlier try has completed it. */
    private boolean isResult(T value) {
        return !future.isCompletedExceptionally() && future.resultNow() == value;
    }

    private List<Reply> all() {
        List<Reply> all = new ArrayList<>(replies.length());
        for (int i = 0; i < replies.length(); i++) {
            Reply reply = replies.get(i);
            if (reply != null) {
                all.add(reply);
            }
        }
        return all;
    }
}
