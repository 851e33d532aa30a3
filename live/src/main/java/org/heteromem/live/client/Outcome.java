package org.heteromem.live.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A program's future of what it asked without waiting, in one request or several. It is completed by a thread of the pool that
 * futures have, never by the reader of the connection: what the program does with it may touch managed memory.
 *
 * <p>Nothing that the daemon has done is lost because the program has no heap when the answer comes: what could not be handed
 * over is handed over again until it could be. Thread-safe.
 *
 * @param <T> what the program gets
 */
final class Outcome<T> {
    private static final long RETRY_NANOS = 10_000_000;

    private final CompletableFuture<T> future = new CompletableFuture<>();
    private final AtomicReferenceArray<@Nullable Reply> replies;
    private final Result<T> result;
    private final Consumer<T> unwanted;
    private final Executor pool;
    private final Runnable settling = this::settle;
    private final AtomicBoolean begun = new AtomicBoolean();

    /**
     * @param requests how many replies it is made of
     * @param result if called again returns the same, as far as {@code unwanted} cares
     * @param unwanted gets what the program does not take, as it has cancelled or completed the future itself
     */
    Outcome(int requests, Result<T> result, Consumer<T> unwanted) {
        this(requests, result, unwanted, new CompletableFuture<T>().defaultExecutor());
    }

    Outcome(int requests, Result<T> result, Consumer<T> unwanted, Executor pool) {
        this.replies = new AtomicReferenceArray<>(requests);
        this.result = result;
        this.unwanted = unwanted;
        this.pool = pool;
    }

    /** Of so many requests, and nothing that anybody would have to give back. */
    Outcome(int requests, Result<T> result) {
        this(requests, result, _ -> {});
    }

    CompletableFuture<T> future() {
        return future;
    }

    /** {@return the receiver of the reply to a request, by its number from 0} See {@link ControlChannel#ask}. */
    Consumer<Reply> receiver(int request) {
        return reply -> {
            replies.compareAndSet(request, null, reply);
            for (int i = 0; i < replies.length(); i++) {
                if (replies.get(i) == null) {
                    return;
                }
            }
            // If there is no heap for a thread this throws, whether or not it is in the queue now; then it comes again.
            pool.execute(settling);
        };
    }

    private void settle() {
        if (!begun.compareAndSet(false, true)) {
            return;
        }
        for (; ; ) {
            try {
                complete();
                return;
            } catch (OutOfMemoryError e) {
                // Nothing is called here that may allocate.
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void complete() {
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
        return future.state() == Future.State.SUCCESS && future.resultNow() == value;
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
