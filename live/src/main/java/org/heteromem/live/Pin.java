package org.heteromem.live;

import java.util.concurrent.CompletableFuture;

/**
 * Keeps memory in RAM, readable and writable without a fault, until it is closed ({@code pin_user_pages}, long-term).
 *
 * <p>Pins count: memory pinned twice stays until both are closed. An arena with pins refuses to close. A pin keeps the
 * memory of an automatic arena alive. Pinned pages count against the RAM budget and cannot be evicted for anybody, so pin
 * little and not for long; all pins of a program together may have half of its RAM. Any thread may close it, also where the
 * arena is another thread's; closing twice does nothing.
 */
public interface Pin extends AutoCloseable {
    /** Lets the memory go. */
    @Override
    void close();

    /** {@link #close()} without waiting for the daemon. */
    CompletableFuture<Void> closeAsync();
}
