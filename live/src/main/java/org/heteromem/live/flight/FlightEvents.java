package org.heteromem.live.flight;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.MemoryEvent;

/**
 * Writes the core's events to the flight recorder. While no recording wants any, no event is even made. Thread-safe.
 */
public final class FlightEvents implements EventSink {
    private static final String NOWHERE = "none";

    private final Predicate<String> isRam;

    /** Not looked at before there was a recording, as that alone starts the recorder. */
    private static final class Types {
        private static final List<EventType> ALL = Stream.of(
                        PageFaultEvent.class, EvictionEvent.class, MigrationHomeEvent.class, PageLostEvent.class)
                .map(EventType::getEventType)
                .toList();

        private Types() {}

        static boolean anyEnabled() {
            for (EventType type : ALL) {
                if (type.isEnabled()) {
                    return true;
                }
            }
            return false;
        }
    }

    /**
     * Makes a sink.
     *
     * @param isRam whether a memory's name is that of RAM, and not of a device
     */
    public FlightEvents(Predicate<String> isRam) {
        this.isRam = isRam;
    }

    @Override
    public boolean isOpen() {
        return FlightRecorder.isInitialized() && Types.anyEnabled();
    }

    @Override
    public void accept(MemoryEvent event) {
        switch (event) {
            case MemoryEvent.CpuFault fault -> PageFaultEvent.write(fault);
            case MemoryEvent.PagesMoved moved -> {
                if (!moved.from().equals(NOWHERE)) {
                    PagesMovedEvent written = isRam.test(moved.to()) ? new MigrationHomeEvent() : new EvictionEvent();
                    written.write(moved);
                }
            }
            case MemoryEvent.PageLost lost -> PageLostEvent.write(lost);
            case MemoryEvent.DeviceFault _,
                    MemoryEvent.FaultBatch _,
                    MemoryEvent.MigrationDone _,
                    MemoryEvent.Evicted _,
                    MemoryEvent.Pinned _,
                    MemoryEvent.Notified _,
                    MemoryEvent.AreaChanged _ -> {}
        }
    }
}
