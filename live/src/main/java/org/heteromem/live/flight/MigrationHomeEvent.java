package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.heteromem.core.event.MemoryEvent;

/** Neighbouring pages came back to RAM from a device. */
@Name("heteromem.MigrationHome")
@Label("Migration Home")
@Category("Heteromem")
@Description("Neighbouring pages came back to RAM from a device.")
@StackTrace(false)
final class MigrationHomeEvent extends Event {
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
        MigrationHomeEvent event = new MigrationHomeEvent();
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
