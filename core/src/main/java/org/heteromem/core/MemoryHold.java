package org.heteromem.core;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps the bytes of a machine's memory from being released while a thread may still look at them through a translation.
 * Taken by every {@link Cpu} and by whatever else executes through a {@link org.heteromem.core.mmu.TranslatedMemory}.
 */
public final class MemoryHold implements AutoCloseable {
    private final Runnable release;
    private final AtomicBoolean closed = new AtomicBoolean();

    MemoryHold(Runnable release) {
        this.release = release;
    }

    /** Lets go. Idempotent. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            release.run();
        }
    }
}
