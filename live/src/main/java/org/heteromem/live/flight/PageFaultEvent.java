package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.MemoryAddress;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.heteromem.core.event.MemoryEvent;

/** A page fault of a client was served. */
@Name("heteromem.PageFault")
@Label("Page Fault")
@Category("Heteromem")
@Description("A page fault of a client was served.")
@StackTrace(false)
final class PageFaultEvent extends Event {
    @Label("Address space")
    int space;

    @MemoryAddress
    @Label("Address")
    long address;

    @Label("Access")
    String access = "";

    @Label("Kind")
    String kind = "";

    static void write(MemoryEvent.CpuFault fault) {
        PageFaultEvent event = new PageFaultEvent();
        if (event.shouldCommit()) {
            event.space = fault.space();
            event.address = fault.address();
            event.access = fault.access().name();
            event.kind = fault.kind().name();
            event.commit();
        }
    }
}
