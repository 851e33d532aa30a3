package org.heteromem.live.flight;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.heteromem.core.Access;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.event.MemoryEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightEventsTest {
    @TempDir
    private Path folder;

    private final FlightEvents events = new FlightEvents(name -> name.startsWith("client "));

    @Test
    void eachEventIsRecordedWithItsPlace() throws IOException {
        Path file = folder.resolve("pages.jfr");
        try (Recording recording = new Recording()) {
            recording.start();
            assertThat(events.isOpen()).isTrue();
            events.accept(new MemoryEvent.CpuFault(3, 0x1000, Access.WRITE, FaultKind.DEVICE_PAGE));
            events.accept(new MemoryEvent.PagesMoved(3, 0x2000, 16, "client 3 region 0", "compressed"));
            events.accept(new MemoryEvent.PagesMoved(3, 0x3000, 8, "compressed", "client 3 region 0"));
            events.accept(new MemoryEvent.PagesMoved(3, 0x4000, 4, "compressed", "file"));
            events.accept(new MemoryEvent.PagesMoved(3, 0x5000, 2, "none", "client 3 region 0"));
            events.accept(new MemoryEvent.PageLost(3, 0x6000, "file"));
            recording.stop();
            recording.dump(file);
        }
        List<String> seen = RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("heteromem."))
                .map(FlightEventsTest::text)
                .toList();
        assertThat(seen)
                .containsExactlyInAnyOrder(
                        "heteromem.PageFault 1000 WRITE DEVICE_PAGE",
                        "heteromem.Eviction 2000 16 client 3 region 0 > compressed",
                        "heteromem.MigrationHome 3000 8 compressed > client 3 region 0",
                        "heteromem.Eviction 4000 4 compressed > file",
                        "heteromem.PageLost 6000 file");
    }

    private static String text(RecordedEvent event) {
        assertThat(event.getInt("space")).isEqualTo(3);
        String name = event.getEventType().getName();
        String start = name + ' ' + Long.toHexString(event.getLong("address")) + ' ';
        return start
                + switch (name) {
                    case "heteromem.PageFault" -> event.getString("access") + ' ' + event.getString("kind");
                    case "heteromem.PageLost" -> event.getString("device");
                    default -> event.getLong("pages") + " " + event.getString("from") + " > " + event.getString("to");
                };
    }

    /** Or every fault would go on making events that nobody sees. */
    @Test
    void nobodyWantsEventsAfterTheLastRecording() {
        try (Recording recording = new Recording()) {
            recording.start();
            assertThat(events.isOpen()).isTrue();
            recording.stop();
        }
        assertThat(events.isOpen()).isFalse();
        try (Recording recording = new Recording()) {
            recording.disable("heteromem.PageFault");
            recording.enable("heteromem.Eviction");
            recording.start();
            assertThat(events.isOpen()).isTrue();
        }
    }
}
