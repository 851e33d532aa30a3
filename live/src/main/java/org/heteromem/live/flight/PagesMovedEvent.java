package org.heteromem.live.flight;

import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import org.heteromem.core.event.MemoryEvent;

/** Neighbouring pages went from one memory to another; the kinds of event say which way. */
abstract sealed class PagesMovedEvent extends Event permits EvictionEvent, MigrationHomeEvent {
    @Label("Address space")
    int space;

    @MemoryAddress
    @Label("Address")
    long address;

    @Label("Pages")
    long pages;

    @Label("From")
    String from = "";

    @Label("To")
    String to = "";

    /** Writes it, if somebody wants such events. */
    final void write(MemoryEvent.PagesMoved moved) {
        if (shouldCommit()) {
            space = moved.space();
            address = moved.address();
            pages = moved.pages();
            from = moved.from();
            to = moved.to();
            commit();
        }
    }
}
