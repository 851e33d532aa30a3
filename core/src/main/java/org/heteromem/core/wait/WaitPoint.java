package org.heteromem.core.wait;

/**
 * Something that will be over some day: a page lock, a migration, an invalidation. Whoever meets it registers to be
 * told; the core never blocks a thread by itself.
 */
@FunctionalInterface
public interface WaitPoint {
    /**
     * Runs an action once the obstacle is gone, or at once if it is gone already. The action may run on any thread, must
     * be short and must not call into the memory manager; a wake-up may be spurious, so the waiter tries again.
     *
     * @param action what to run, once
     */
    void whenReady(Runnable action);
}
