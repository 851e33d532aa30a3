package org.heteromem.devices.accelerator;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/**
 * Copies between frame stores beside whoever asks (a DMA engine): transfers go through one queue, in order, and a fence
 * tells when those of one request are done. Whoever waits at a fence lends a hand, so an executor that is busy or gone
 * costs speed, never progress. Thread-safe.
 */
public final class CopyEngine {
    /** Larger transfers are cut into pieces of this size, in bytes, so that several threads can share them. */
    public static final long PIECE_BYTES = 256L << 10;

    private final Executor executor;
    private final Waiting waiting;
    private final Deque<Piece> queue = new ArrayDeque<>();

    /**
     * Makes an engine with an empty queue.
     *
     * @param executor whose threads copy
     * @param waiting how those who wait at a fence do so
     */
    public CopyEngine(Executor executor, Waiting waiting) {
        this.executor = executor;
        this.waiting = waiting;
    }

    /**
     * Bytes that shall go from one place to another. Must stay within one chunk of either store.
     *
     * @param to the store they go to
     * @param toOffset byte offset there
     * @param from the store they come from, or null for zeros
     * @param fromOffset byte offset there
     * @param bytes how many
     */
    public record Transfer(
            FrameStore to, long toOffset, @Nullable FrameStore from, long fromOffset, long bytes) {
        void run() {
            if (from == null) {
                to.zero(toOffset, bytes);
            } else {
                to.copyFrom(toOffset, from, fromOffset, bytes);
            }
        }

        private Transfer piece(long offset, long length) {
            return new Transfer(to, toOffset + offset, from, fromOffset + offset, length);
        }
    }

    private record Piece(Transfer transfer, Fence fence) {
        void run() {
            try {
                transfer.run();
            } catch (Throwable e) {
                // Errors too: a page that was not copied must never pass for one that was, whoever's thread this is.
                fence.failure.compareAndSet(null, e);
            } finally {
                fence.arrive();
            }
        }
    }

    /** Tells when the transfers of one request are done. */
    public final class Fence {
        private final AtomicInteger outstanding;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final Completion done = new Completion();

        private Fence(int pieces) {
            this.outstanding = new AtomicInteger(pieces);
            if (pieces == 0) {
                done.complete();
            }
        }

        private void arrive() {
            if (outstanding.decrementAndGet() == 0) {
                done.complete();
            }
        }

        /** {@return whether all transfers are done} */
        public boolean isDone() {
            return done.isDone();
        }

        /**
         * Returns once all transfers are done, helping with what is queued.
         *
         * @throws RuntimeException what the first transfer that failed has thrown
         */
        public void await() {
            while (!done.isDone()) {
                Piece piece = poll();
                if (piece != null) {
                    piece.run();
                } else {
                    done.await(waiting);
                }
            }
            switch (failure.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException("a transfer failed", e);
            }
        }
    }

    /**
     * Queues transfers.
     *
     * @param transfers what to copy; nobody else may use the bytes until the fence is done
     * @return the fence behind them
     */
    public Fence submit(List<Transfer> transfers) {
        int pieces = 0;
        for (Transfer transfer : transfers) {
            pieces += (int) ((transfer.bytes() + PIECE_BYTES - 1) / PIECE_BYTES);
        }
        Fence fence = new Fence(pieces);
        synchronized (queue) {
            for (Transfer transfer : transfers) {
                for (long at = 0; at < transfer.bytes(); at += PIECE_BYTES) {
                    long length = Math.min(PIECE_BYTES, transfer.bytes() - at);
                    queue.add(new Piece(transfer.piece(at, length), fence));
                }
            }
        }
        if (pieces > 0) {
            start();
        }
        return fence;
    }

    private void start() {
        try {
            executor.execute(this::drain);
        } catch (RejectedExecutionException e) {
            // The executor is gone. Queued pieces must not stay behind: whoever asked copies here and now.
            drain();
        }
    }

    private void drain() {
        for (Piece piece = poll(); piece != null; piece = poll()) {
            piece.run();
        }
    }

    private @Nullable Piece poll() {
        synchronized (queue) {
            return queue.poll();
        }
    }
}
