package org.heteromem.core.device;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Things that are used again instead of being made, for those who shall allocate nothing, such as a driver in a fault. A few
 * are kept; what is given while there are as many is dropped. Thread-safe, and never waits.
 *
 * @param <T> what is kept
 */
public final class Spares<T> {
    private final AtomicReferenceArray<@Nullable T> idle;

    /**
     * Keeps none yet.
     *
     * @param kept how many to keep at most; about as many as threads need one at once
     */
    public Spares(int kept) {
        idle = new AtomicReferenceArray<>(kept);
    }

    /** {@return one that nobody else has, or null if there is none} */
    public @Nullable T take() {
        for (int i = 0; i < idle.length(); i++) {
            if (idle.getPlain(i) != null) {
                T spare = idle.getAndSet(i, null);
                if (spare != null) {
                    return spare;
                }
            }
        }
        return null;
    }

    /**
     * Keeps one.
     *
     * @param spare what nobody refers to any more
     */
    public void give(T spare) {
        for (int i = 0; i < idle.length(); i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, spare)) {
                return;
            }
        }
    }
}
