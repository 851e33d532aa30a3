package org.heteromem.live.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes what a program gets of the replies to what it asked.
 *
 * @param <T> what it gets
 */
@FunctionalInterface
public interface Result<T> {
    /**
     * May be called again, with the same, if it found no heap.
     *
     * @param replies one for each request, in their order
     * @return what the program gets; null for nothing
     * @throws RuntimeException instead, which the program gets then
     */
    @Nullable
    T of(List<Reply> replies);
}
