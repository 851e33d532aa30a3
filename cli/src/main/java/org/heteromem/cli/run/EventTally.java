package org.heteromem.cli.run;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.event.MemoryEvent;

/** Counts what a run reports. Thread-safe. */
final class EventTally implements EventSink {
    private record Way(String from, String to) {}

    private final Map<FaultKind, Long> cpuFaults = new EnumMap<>(FaultKind.class);
    private final Map<Way, Long> moves = new LinkedHashMap<>();
    private long deviceFaults;
    private long batches;
    private long batchesOfSeveral;
    private long largestBatch;
    private long evictions;
    private long evictedPages;

    @Override
    public synchronized void accept(MemoryEvent event) {
        switch (event) {
            case MemoryEvent.CpuFault fault -> cpuFaults.merge(fault.kind(), 1L, Long::sum);
            case MemoryEvent.DeviceFault _ -> deviceFaults++;
            case MemoryEvent.FaultBatch batch -> {
                batches++;
                batchesOfSeveral += batch.faults() > 1 ? 1 : 0;
                largestBatch = Math.max(largestBatch, batch.faults());
            }
            case MemoryEvent.PagesMoved moved ->
                moves.merge(new Way(moved.from(), moved.to()), moved.pages(), Long::sum);
            case MemoryEvent.Evicted evicted -> {
                evictions++;
                evictedPages += evicted.pages();
            }
            case MemoryEvent.MigrationDone _,
                    MemoryEvent.Pinned _,
                    MemoryEvent.Notified _,
                    MemoryEvent.PageLost _,
                    MemoryEvent.AreaChanged _ -> {}
        }
    }

    /** {@return what has been counted so far} */
    synchronized Counts counts() {
        Map<String, Long> faults = new TreeMap<>();
        cpuFaults.forEach(
                (kind, count) -> faults.put(kind.name().toLowerCase(Locale.ROOT).replace('_', '-'), count));
        List<RunResult.Movement> movements = moves.entrySet().stream()
                .map(move -> RunResult.Movement.of(
                        move.getKey().from(), move.getKey().to(), move.getValue()))
                .toList();
        return new Counts(
                faults,
                new RunResult.DeviceFaults(deviceFaults, batches, batchesOfSeveral, largestBatch),
                movements,
                new RunResult.Evictions(evictions, evictedPages));
    }

    /** A moment's view of the counts. */
    record Counts(
            Map<String, Long> cpuFaults,
            RunResult.DeviceFaults deviceFaults,
            List<RunResult.Movement> moved,
            RunResult.Evictions evictions) {}
}
