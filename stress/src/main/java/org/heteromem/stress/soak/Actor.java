package org.heteromem.stress.soak;

import java.util.SplittableRandom;
import org.heteromem.core.AccessException;
import org.heteromem.core.Errno;
import org.heteromem.core.LostPageException;
import org.heteromem.core.MemoryException;

/** One thread of a soak: does its thing again and again until the world stops. */
abstract class Actor implements Runnable {
    final World world;
    final SplittableRandom random;
    private final String name;
    private volatile long steps;

    Actor(World world, String name, long seed) {
        this.world = world;
        this.name = name;
        this.random = new SplittableRandom(seed);
    }

    final String name() {
        return name;
    }

    /** {@return how often the step was taken; the watchdog looks whether it grows} */
    final long steps() {
        return steps;
    }

    /** One thing, done completely. */
    abstract void step();

    /** Undoes what the actor has under way; on its thread, always. */
    void finish() {}

    /** Gives back what the actor holds, after the state was checked. */
    void release() {}

    @Override
    @SuppressWarnings({"NonAtomicVolatileUpdate", "NonAtomicOperationOnVolatileField"}) // one thread counts
    public final void run() {
        try {
            while (!world.stopping()) {
                step();
                steps++;
            }
        } catch (Throwable t) {
            world.fail(t);
        } finally {
            try {
                finish();
            } catch (RuntimeException e) {
                world.fail(e);
            }
        }
    }

    /** {@return whether the access was refused because of what the process's own threads do with protections and places} */
    static boolean denied(RuntimeException e) {
        if (e instanceof LostPageException) {
            return false;
        }
        if (e instanceof AccessException access) {
            return access.signal() == AccessException.Signal.SEGV;
        }
        return e instanceof MemoryException refused
                && (refused.errno() == Errno.EFAULT || refused.errno() == Errno.EPERM);
    }
}
