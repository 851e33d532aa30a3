package org.heteromem.core.event;

/**
 * The port that every event goes to: JFR, pictures and the reports of models read this stream. Called on the
 * thread that caused the event, after page-table and list locks are released; must be quick, thread-safe and must not call
 * into the memory manager. A sink that throws disturbs nobody, gets no more events, and is told of by
 * {@link org.heteromem.core.MemoryManager#close}.
 */
@FunctionalInterface
public interface EventSink {
    /**
     * Takes an event.
     *
     * @param event what happened
     */
    void accept(MemoryEvent event);

    /**
     * {@return whether anybody wants events at this moment}
     *
     * <p>Asked before an event is made, on the thread that would send it: while it is false, events cost this call and
     * nothing else. What is under way when it changes may be seen or not.
     */
    default boolean isOpen() {
        return true;
    }
}
