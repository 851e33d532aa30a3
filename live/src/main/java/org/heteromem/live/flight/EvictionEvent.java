package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.heteromem.core.event.MemoryEvent;

/** Neighbouring pages left RAM for a device, or a device for a slower one. */
@Name("heteromem.Eviction")
@Label("Eviction")
@Category("Heteromem")
@Description("Neighbouring pages left RAM for a device, or a device for a slower one.")
@StackTrace(false)
final class EvictionEvent extends Event {
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

    static void write(MemoryEvent.PagesMoved moved) {
        EvictionEvent event = new EvictionEvent();
        if (event.shouldCommit()) {
            event.space = moved.space();
            event.address = moved.address();
            event.pages = moved.pages();
            event.from = moved.from();
            event.to = moved.to();
            event.commit();
        }
    }
}
