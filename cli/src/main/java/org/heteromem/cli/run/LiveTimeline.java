package org.heteromem.cli.run;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.heteromem.core.Page;
import org.heteromem.live.ConnectionLostException;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Residency;
import org.jspecify.annotations.Nullable;

/**
 * Who lived where over time, asked of the daemon again and again by a thread of its own: it gets no events, since those
 * are in another process. Asks as often as leaves most of the time to the work.
 *
 * <p>Thread-safe. The sampler never touches managed memory, so no page fault can stop it while it holds the lock.
 */
final class LiveTimeline implements AutoCloseable {
    /** Whether anybody wants to see it. */
    enum Sampling {
        /** Where pages are, all the time. */
        ON,
        /** Phases only. */
        OFF
    }

    private static final int GROUPS = 192;
    private static final long FIRST_INTERVAL_NANOS = 25_000_000;
    private static final int COST_SHARE = 20;

    private final Heteromem memory;
    private final LongSupplier clock;
    private final long start;
    private final int groupPages;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition over = lock.newCondition();
    private final List<Track> tracks = new ArrayList<>();
    private final Map<Long, Track> live = new TreeMap<>();
    private final List<Sample> samples = new ArrayList<>();
    private final List<Timeline.PhaseSpan> phases = new ArrayList<>();
    private final @Nullable Thread sampler;
    private long interval = FIRST_INTERVAL_NANOS;
    private boolean ended;

    /** An allocation: for each sample and group, how many pages were in RAM and how many on devices. */
    static final class Track {
        final String name;
        final MemorySegment segment;
        final int pages;
        final int groups;
        /** By sample, from the first one that this was there for: pairs of RAM and devices by group. */
        final Map<Integer, int[]> samples = new TreeMap<>();

        private Track(String name, MemorySegment segment, int groupPages) {
            this.name = name;
            this.segment = segment;
            this.pages = Math.toIntExact(Page.count(segment.byteSize()));
            this.groups = (pages + groupPages - 1) / groupPages;
        }
    }

    /**
     * A moment, and all that has happened until then.
     *
     * @param nanos since the start
     * @param traffic what the daemon has counted for this process
     */
    record Sample(long nanos, LiveTraffic traffic) {}

    LiveTimeline(Heteromem memory, LongSupplier clock, long workingSetBytes, Sampling sampling) {
        this.memory = memory;
        this.clock = clock;
        this.start = clock.getAsLong();
        this.groupPages = Math.max(1, Integer.highestOneBit((int) (Page.count(workingSetBytes) / GROUPS)));
        sampler = sampling == Sampling.OFF
                ? null
                : Thread.ofPlatform().daemon().name("timeline").start(this::sampleOn);
    }

    void allocated(String name, MemorySegment segment) {
        lock.lock();
        try {
            Track track = new Track(name, segment, groupPages);
            tracks.add(track);
            live.put(segment.address(), track);
        } finally {
            lock.unlock();
        }
    }

    /** To be told before the memory goes. */
    void freed(long address) {
        lock.lock();
        try {
            live.remove(address);
        } finally {
            lock.unlock();
        }
    }

    void phase(String name, String where, long startNanos) {
        lock.lock();
        try {
            phases.add(new Timeline.PhaseSpan(name, where, startNanos - start, clock.getAsLong() - start));
        } finally {
            lock.unlock();
        }
    }

    private void sampleOn() {
        lock.lock();
        try {
            while (!ended) {
                long before = clock.getAsLong();
                sample();
                long cost = clock.getAsLong() - before;
                long wait = Math.max(interval, COST_SHARE * cost);
                while (!ended && wait > 0) {
                    wait = over.awaitNanos(wait);
                }
            }
        } catch (ConnectionLostException _) {
            // The run is about to fail with the same words, and there is nobody to ask any more.
            ended = true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void sample() {
        int number = samples.size();
        samples.add(new Sample(clock.getAsLong() - start, LiveTraffic.of(memory)));
        for (Track track : live.values()) {
            List<CompletableFuture<Residency>> groups = new ArrayList<>();
            long bytes = track.segment.byteSize();
            long step = Page.address(groupPages);
            for (long at = 0; at < bytes; at += step) {
                groups.add(memory.residencyAsync(track.segment.asSlice(at, Math.min(step, bytes - at))));
            }
            int[] shown = new int[2 * track.groups];
            for (int group = 0; group < track.groups; group++) {
                Residency where = groups.get(group).join();
                shown[2 * group] = (int) where.ram();
                // What is moving is in neither place for the moment it takes to copy it.
                shown[2 * group + 1] = (int) (where.onDevices() + where.moving());
            }
            track.samples.put(number, shown);
        }
        if (samples.size() == Timeline.MAX_SAMPLES) {
            thin();
        }
    }

    /** Drops every second sample. */
    private void thin() {
        for (int i = 0; i < Timeline.MAX_SAMPLES / 2; i++) {
            samples.set(i, samples.get(2 * i + 1));
        }
        samples.subList(Timeline.MAX_SAMPLES / 2, Timeline.MAX_SAMPLES).clear();
        for (Track track : tracks) {
            Map<Integer, int[]> kept = new TreeMap<>();
            track.samples.forEach((number, shown) -> {
                if (number % 2 == 1) {
                    kept.put(number / 2, shown);
                }
            });
            track.samples.clear();
            track.samples.putAll(kept);
        }
        interval *= 2;
    }

    /** Takes the last sample; what happens later is not shown. */
    void end() {
        lock.lock();
        try {
            if (!ended) {
                if (sampler != null) {
                    sample();
                }
                ended = true;
                over.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    List<Track> tracks() {
        return List.copyOf(tracks);
    }

    List<Sample> samples() {
        return List.copyOf(samples);
    }

    List<Timeline.PhaseSpan> phases() {
        return List.copyOf(phases);
    }

    int groupPages() {
        return groupPages;
    }

    /** Ends the sampler, whose questions must not meet a closed connection. */
    @Override
    public void close() {
        lock.lock();
        try {
            ended = true;
            live.clear();
            over.signalAll();
        } finally {
            lock.unlock();
        }
        if (sampler != null) {
            try {
                sampler.join(TimeUnit.SECONDS.toMillis(10));
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
