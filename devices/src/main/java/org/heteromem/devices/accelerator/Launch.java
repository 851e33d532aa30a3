package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.core.wait.WaitPoint;
import org.heteromem.core.wait.Waiting;

/** A kernel under way on the compute units of an accelerator. Thread-safe. */
public final class Launch {
    /**
     * What a compute unit's share of a kernel ended with.
     *
     * @param unit which unit, from 0
     * @param cause what the kernel threw; an {@link org.heteromem.core.AccessException} for an access that is not allowed
     */
    public record Failure(int unit, Throwable cause) {}

    private final Completion done = new Completion();
    private final AtomicInteger running;
    private final Waiting waiting;
    private final List<Failure> failures = new ArrayList<>();

    Launch(int units, Waiting waiting) {
        this.running = new AtomicInteger(units);
        this.waiting = waiting;
    }

    void failed(int unit, Throwable cause) {
        synchronized (failures) {
            failures.add(new Failure(unit, cause));
        }
    }

    void unitDone() {
        if (running.decrementAndGet() == 0) {
            done.complete();
        }
    }

    /** {@return whether all units are done} */
    public boolean isDone() {
        return done.isDone();
    }

    /** {@return what to wait for: the end of the last unit} */
    public WaitPoint whenDone() {
        return done;
    }

    /** {@return the units that failed so far, in the order in which they did} */
    public List<Failure> failures() {
        synchronized (failures) {
            return List.copyOf(failures);
        }
    }

    /**
     * Waits for the end of the kernel on all units. What it stored is visible to the caller then.
     *
     * @throws RuntimeException what the kernel threw on the first unit that failed, with the others' suppressed; the process
     *     goes on
     */
    public void join() {
        done.await(waiting);
        List<Failure> all = failures();
        if (all.isEmpty()) {
            return;
        }
        Throwable first = all.getFirst().cause();
        for (Failure other : all) {
            if (other.cause() != first) {
                first.addSuppressed(other.cause());
            }
        }
        switch (first) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException("a kernel failed", first);
        }
    }
}
