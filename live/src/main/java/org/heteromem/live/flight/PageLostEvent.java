package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.heteromem.core.event.MemoryEvent;

/** A page cannot be brought home any more. */
@Name("heteromem.PageLost")
@Label("Lost Page")
@Category("Heteromem")
@Description("A page cannot be brought home any more.")
@StackTrace(false)
final class PageLostEvent extends Event {
    @Label("Address space")
    int space;

    @MemoryAddress
    @Label("Address")
    long address;

    @Label("Device")
    String device = "";

    static void write(MemoryEvent.PageLost lost) {
        PageLostEvent event = new PageLostEvent();
        if (event.shouldCommit()) {
            event.space = lost.space();
            event.address = lost.address();
            event.device = lost.device();
            event.commit();
        }
    }
}
