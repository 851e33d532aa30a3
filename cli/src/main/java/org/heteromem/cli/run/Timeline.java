package org.heteromem.cli.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.heteromem.core.Page;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.event.MemoryEvent;

/**
 * Who lived where over time, followed from the event stream: the state of every page of every named allocation, summed
 * over groups of neighbouring pages and sampled at a fixed interval. A run of unknown length fits a fixed number of
 * samples: when they are full, every second one goes and the interval doubles. Thread-safe.
 */
final class Timeline implements EventSink {
    /** How many samples there are at most; there are at least half as many in a run longer than that many intervals. */
    static final int MAX_SAMPLES = 480;

    private static final int GROUPS = 1024;
    private static final long FIRST_INTERVAL_NANOS = 500_000;
    private static final byte NOWHERE = 0;
    private static final byte RAM = 1;
    private static final byte DEVICE = 2;

    private final LongSupplier clock;
    private final String device;
    private final int groupPages;
    private final long start;
    private final List<Track> tracks = new ArrayList<>();
    private final TreeMap<Long, Track> live = new TreeMap<>();
    private final List<PhaseSpan> phases = new ArrayList<>();
    private final List<Sample> samples = new ArrayList<>();
    private Sample next;
    private boolean ended;
    private long interval = FIRST_INTERVAL_NANOS;

    /**
     * Starts the time.
     *
     * @param clock nanoseconds since any moment
     * @param device name of the device's memory
     * @param workingSetBytes about how much will be allocated
     */
    Timeline(LongSupplier clock, String device, long workingSetBytes) {
        this.clock = clock;
        this.device = device;
        this.groupPages = Math.max(1, Integer.highestOneBit((int) (Page.count(workingSetBytes) / GROUPS)));
        this.start = clock.getAsLong();
        this.next = new Sample(interval);
    }

    /** A named allocation. */
    static final class Track {
        final String name;
        final long address;
        final int pages;
        private final byte[] states;
        private short[] ram;
        private short[] onDevice;
        private boolean shown;

        Track(String name, long address, int pages, int groups) {
            this.name = name;
            this.address = address;
            this.pages = pages;
            this.states = new byte[pages];
            this.ram = new short[groups];
            this.onDevice = new short[groups];
        }

        int groups() {
            return ram.length;
        }

        private void set(int page, byte state, int groupPages) {
            byte before = states[page];
            if (before == state) {
                return;
            }
            if (shown) {
                // The last sample shows these arrays: it keeps them.
                ram = ram.clone();
                onDevice = onDevice.clone();
                shown = false;
            }
            int group = page / groupPages;
            ram[group] += (short) ((state == RAM ? 1 : 0) - (before == RAM ? 1 : 0));
            onDevice[group] += (short) ((state == DEVICE ? 1 : 0) - (before == DEVICE ? 1 : 0));
            states[page] = state;
        }
    }

    /** Pages of one allocation at one moment, by group. */
    static final class Shown {
        private final short[] ram;
        private final short[] device;

        private Shown(short[] ram, short[] device) {
            this.ram = ram;
            this.device = device;
        }

        /** {@return how many pages of a group are in RAM} */
        int ram(int group) {
            return ram[group];
        }

        /** {@return how many pages of a group are on the device} */
        int device(int group) {
            return device[group];
        }

        /** {@return how many groups there are} */
        int groups() {
            return ram.length;
        }
    }

    /** A moment, and what happened since the one before. */
    static final class Sample {
        long nanos;
        final List<Shown> tracks = new ArrayList<>();
        long toDevicePages;
        long toRamPages;
        long cpuFaults;
        long deviceFaults;

        Sample(long nanos) {
            this.nanos = nanos;
        }

        private void addFlowsOf(Sample earlier) {
            toDevicePages += earlier.toDevicePages;
            toRamPages += earlier.toRamPages;
            cpuFaults += earlier.cpuFaults;
            deviceFaults += earlier.deviceFaults;
        }
    }

    /**
     * A phase of the program.
     *
     * @param name its name
     * @param where {@code cpu} or {@code accelerator}
     * @param startNanos when it began
     * @param endNanos when it ended
     */
    record PhaseSpan(String name, String where, long startNanos, long endNanos) {}

    synchronized void allocated(String name, long address, long bytes) {
        advance();
        int pages = Math.toIntExact(Page.count(bytes));
        Track track = new Track(name, address, pages, (pages + groupPages - 1) / groupPages);
        tracks.add(track);
        live.put(address, track);
    }

    synchronized void freed(long address) {
        advance();
        Track track = live.remove(address);
        if (track != null) {
            for (int page = 0; page < track.pages; page++) {
                track.set(page, NOWHERE, groupPages);
            }
        }
    }

    /** {@return now, on the time line} */
    synchronized long now() {
        return clock.getAsLong() - start;
    }

    synchronized void phase(String name, String where, long startNanos) {
        phases.add(new PhaseSpan(name, where, startNanos, now()));
    }

    @Override
    public synchronized void accept(MemoryEvent event) {
        if (ended) {
            return;
        }
        advance();
        switch (event) {
            case MemoryEvent.CpuFault fault -> {
                next.cpuFaults++;
                if (fault.kind() == FaultKind.DEMAND_ZERO || fault.kind() == FaultKind.COPY_ON_WRITE) {
                    place(fault.address(), 1, RAM);
                }
            }
            case MemoryEvent.DeviceFault _ -> next.deviceFaults++;
            case MemoryEvent.PagesMoved moved -> {
                boolean there = moved.to().equals(device);
                if (there) {
                    next.toDevicePages += moved.from().equals("none") ? 0 : moved.pages();
                } else {
                    next.toRamPages += moved.pages();
                }
                if (moved.space() >= 0) {
                    place(moved.address(), moved.pages(), there ? DEVICE : RAM);
                }
            }
            case MemoryEvent.FaultBatch _,
                    MemoryEvent.Evicted _,
                    MemoryEvent.MigrationDone _,
                    MemoryEvent.Pinned _,
                    MemoryEvent.Notified _,
                    MemoryEvent.PageLost _,
                    MemoryEvent.AreaChanged _ -> {}
        }
    }

    private void place(long address, long pages, byte state) {
        for (long page = 0; page < pages; page++) {
            long at = address + page * Page.SIZE;
            Map.Entry<Long, Track> entry = live.floorEntry(at);
            if (entry == null) {
                continue;
            }
            long index = Page.of(at - entry.getKey());
            if (index < entry.getValue().pages) {
                entry.getValue().set((int) index, state, groupPages);
            }
        }
    }

    private void advance() {
        long now = clock.getAsLong() - start;
        while (now >= next.nanos) {
            take();
        }
    }

    private void take() {
        for (Track track : tracks) {
            next.tracks.add(new Shown(track.ram, track.onDevice));
            track.shown = true;
        }
        samples.add(next);
        long taken = next.nanos;
        if (samples.size() == MAX_SAMPLES) {
            for (int i = 0; i < MAX_SAMPLES / 2; i++) {
                Sample kept = samples.get(2 * i + 1);
                kept.addFlowsOf(samples.get(2 * i));
                samples.set(i, kept);
            }
            samples.subList(MAX_SAMPLES / 2, MAX_SAMPLES).clear();
            interval *= 2;
        }
        next = new Sample(taken + interval);
    }

    /** Ends the time line with a last sample, now; what happens later is not in it. */
    synchronized void end() {
        advance();
        ended = true;
        next.nanos = now();
        take();
    }

    synchronized List<Track> tracks() {
        return List.copyOf(tracks);
    }

    synchronized List<Sample> samples() {
        return List.copyOf(samples);
    }

    synchronized List<PhaseSpan> phases() {
        return List.copyOf(phases);
    }

    /** {@return how many pages a group has; the last of an allocation may have fewer} */
    int groupPages() {
        return groupPages;
    }
}
