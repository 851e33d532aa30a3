package org.heteromem.stress.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.wait.Waiting;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jspecify.annotations.Nullable;

/**
 * Small scenarios of two or three threads, of which Lincheck tries the interleavings one by one. What it reports as failed
 * comes with the interleaving that did it. How many are tried: {@code -Dheteromem.lincheck.invocations}.
 */
public final class ModelCheck {
    private static final int INVOCATIONS = Integer.getInteger("heteromem.lincheck.invocations", 120);

    /** Bound and true where threads do not meet. */
    private static final ScopedValue<Boolean> ONE_BY_ONE = ScopedValue.newInstance();

    private static final int ATTEMPTS = 3;

    /** Waits in a way of which the model checker sees every step. */
    public static final Waiting PARK = point -> {
        AtomicBoolean ready = new AtomicBoolean();
        Thread waiter = Thread.currentThread();
        point.whenReady(() -> {
            ready.set(true);
            LockSupport.unpark(waiter);
        });
        while (!ready.get()) {
            LockSupport.park();
        }
    };

    private ModelCheck() {}

    /** What a scenario requires does not hold. */
    private static final class Broken extends AssertionError {
        private static final long serialVersionUID = 1;

        Broken(String what) {
            super(what);
        }
    }

    /** The scenario holds in every interleaving tried. */
    public static void holds(Runnable scenario) {
        Lincheck.runConcurrentTest(INVOCATIONS, scenario);
    }

    /**
     * The scenario, with a race put in on purpose, fails in one of the interleavings tried, of which there are as many as
     * in {@link #holds}: the check can see it. It does not fail when one thread follows another: it is the race that is seen.
     */
    public static void catches(Runnable seeded) {
        ScopedValue.where(ONE_BY_ONE, true).run(seeded);
        String report = failure(seeded);
        assertThat(report)
                .as("what a race that was put in on purpose breaks")
                .contains("Concurrent test failed")
                // Not a deadlock, say, that nobody meant to make.
                .contains(Broken.class.getSimpleName());
    }

    private static String failure(Runnable scenario) {
        for (int attempt = 1; ; attempt++) {
            try {
                Lincheck.runConcurrentTest(INVOCATIONS, scenario);
                return "nothing";
            } catch (LincheckAssertionError found) {
                return found.toString();
            } catch (IndexOutOfBoundsException e) {
                // Now and then Lincheck 3.7 fails at writing its report (JetBrains/lincheck#1012). What a scenario
                // throws comes as LincheckAssertionError.
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** Runs all bodies at once, each in a thread; throws what the first failing one threw. */
    public static void together(Runnable... bodies) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread[] threads = new Thread[bodies.length];
        for (int i = 0; i < bodies.length; i++) {
            Runnable body = bodies[i];
            threads[i] = new Thread(() -> {
                try {
                    body.run();
                } catch (Throwable t) {
                    failure.compareAndSet(null, t);
                }
            });
        }
        boolean oneByOne = ONE_BY_ONE.orElse(false);
        for (Thread thread : threads) {
            thread.start();
            if (oneByOne) {
                join(thread);
            }
        }
        for (Thread thread : threads) {
            join(thread);
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Fails the scenario. */
    public static void require(boolean holds, String what) {
        if (!holds) {
            throw new Broken(what);
        }
    }
}
