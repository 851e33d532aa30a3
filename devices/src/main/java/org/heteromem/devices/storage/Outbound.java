package org.heteromem.devices.storage;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.MemoryManager.FrameLocation;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.jspecify.annotations.Nullable;

/**
 * Brings pages to a device, from RAM or from a faster one. A slot is written before anything refers to it; pages that find
 * no room, or whose write fails, stay where they are.
 *
 * <p>A frame's own word says when its page left RAM and when it came here:
 *
 * <pre>
 *   63                      27 26            0
 *  +--------------------------+---------------+
 *  | time of eviction         | arrival       |     never 0: times start at 1
 *  +--------------------------+---------------+
 * </pre>
 */
final class Outbound {
    /** Marks a slot as the migration's. */
    private static final int BOUND = 1 << 31;

    /** Of a frame that holds a copy only. */
    static final long NO_TIME = -1;

    private final MemoryManager manager;
    private final DeviceMemory memory;
    private final PageStore store;
    private final SlotPool slots;
    private final ArrivalQueue arrivals;
    private final EvictionClock clock;
    private final Staging staging;
    private final Traffic traffic;
    private final Copies copies;

    Outbound(StorageDevice device) {
        this.manager = device.manager();
        this.memory = device.memory();
        this.store = device.store();
        this.slots = device.slots();
        this.arrivals = device.arrivals();
        this.clock = device.clock();
        this.staging = device.staging();
        this.traffic = device.traffic();
        this.copies = device.copies();
    }

    /** The time of eviction in a frame's word. */
    static long time(long word) {
        return (word >>> ArrivalQueue.ARRIVAL_BITS) - 1;
    }

    /** The arrival number in a frame's word. */
    static int arrival(long word) {
        return (int) word & ArrivalQueue.ARRIVAL_MASK;
    }

    static long word(long time, int arrival) {
        return (time + 1) << ArrivalQueue.ARRIVAL_BITS | arrival;
    }

    /**
     * Moves what was collected here, but for holes.
     *
     * @param migration just set up
     * @param from the memory of the device that the pages come from; null for RAM
     * @return how many pages moved
     */
    Result move(Migration migration, @Nullable DeviceMemory from) {
        Batch batch = new Batch(migration, from);
        try {
            batch.copy();
        } finally {
            batch.giveUnused();
        }
        return new Result(batch.migrate(), batch.ended || batch.tooFew);
    }

    /**
     * What became of a migration.
     *
     * @param moved how many pages moved
     * @param ended whether there is no point in bringing more: no slot is free, or the store refused
     */
    record Result(int moved, boolean ended) {}

    /** One migration on its way here. */
    private final class Batch {
        private final Migration migration;
        private final @Nullable DeviceMemory from;
        /** Which pages of the migration go, and their slots; a slot below zero is the migration's. */
        private final int[] pages;

        private final int[] into;
        /** How many go in all; those that go back to their copies are the last of them, and bound from the start. */
        private final int count;

        private final int arrival;
        private final long time;
        private boolean ended;
        /** Whether there were fewer slots than pages. */
        private final boolean tooFew;

        Batch(Migration migration, @Nullable DeviceMemory from) {
            this.migration = migration;
            this.from = from;
            SourceEntries sources = migration.sources();
            int[] wanted = new int[migration.pages()];
            int[] back = new int[wanted.length];
            int[] backInto = new int[wanted.length];
            int n = 0;
            int reused = 0;
            for (int i = 0; i < wanted.length; i++) {
                if (sources.movable(i) && !sources.hole(i) && comesFrom(sources.frame(i))) {
                    long copy = from == null ? migration.reuseCopy(i, memory) : 0;
                    if (copy == 0) {
                        wanted[n++] = i;
                    } else {
                        back[reused] = i;
                        backInto[reused++] = (int) (copy - memory.firstFrame()) | BOUND;
                    }
                }
            }
            this.pages = wanted;
            this.into = new int[n + reused];
            int fresh = takeSlots(n);
            this.tooFew = fresh < n;
            if (tooFew) {
                traffic.fullRefusals.increment();
                ended = fresh == 0;
            }
            System.arraycopy(back, 0, wanted, fresh, reused);
            System.arraycopy(backInto, 0, into, fresh, reused);
            this.count = fresh + reused;
            this.arrival = arrivals.number(count);
            this.time = from == null ? clock.tick(count) : 0;
            for (int k = fresh; k < count; k++) {
                int slot = into[k] & ~BOUND;
                copies.used(slot);
                memory.setDriverData(memory.firstFrame() + slot, word(k));
            }
        }

        /** Copies make room for pages that have none. */
        private int takeSlots(int n) {
            if (memory.removed()) {
                return 0;
            }
            int taken = slots.take(n, into);
            if (taken < n && copies.drop(n - taken) > 0) {
                int[] more = new int[n - taken];
                int found = slots.take(more.length, more);
                System.arraycopy(more, 0, into, taken, found);
                taken += found;
            }
            return taken;
        }

        private long word(int k) {
            long since = from == null ? time + k : time(from.driverData(frame(k)));
            return Outbound.word(since, (arrival + k) & ArrivalQueue.ARRIVAL_MASK);
        }

        private boolean comesFrom(long frame) {
            return from == null ? !memory.contains(frame) : from.contains(frame);
        }

        private long frame(int k) {
            return migration.sources().frame(pages[k]);
        }

        /** {@return how many of the pages from the k-th on are neighbours here and there} */
        private int run(int k) {
            int run = 1;
            while (k + run < count
                    && run < Staging.BYTES / Page.SIZE
                    && into[k + run] == into[k] + run
                    && frame(k + run) == frame(k) + run) {
                run++;
            }
            // Neighbouring numbers can belong to two memories.
            return run == 1
                            || manager.locate(frame(k)).store()
                                    == manager.locate(frame(k + run - 1)).store()
                    ? run
                    : 1;
        }

        void copy() {
            for (int k = 0; k < count && into[k] >= 0 && !ended; ) {
                int run = run(k);
                copy(k, run);
                k += run;
            }
        }

        private void copy(int k, int run) {
            FrameLocation source = manager.locate(frame(k));
            if (source.store().segment(source.offset()) != null) {
                writeInPlace(k, run, source);
                return;
            }
            if (store.segment(Page.address(into[k])) != null) {
                readInPlace(k, run, source);
                return;
            }
            MemorySegment buffer = staging.take();
            try {
                source.store().read(source.offset(), buffer, 0, Page.address(run));
                write(k, run, buffer, 0);
            } catch (StorageException e) {
                onePageAtATime(k, run);
            } finally {
                staging.give(buffer);
            }
        }

        /** A device that cannot read: page by page, so that only the bad ones stay there. */
        private void onePageAtATime(int k, int run) {
            if (run == 1) {
                traffic.readErrors.increment();
            }
            for (int i = 0; run > 1 && i < run && !ended; i++) {
                copy(k + i, 1);
            }
        }

        /** This device's memory can be addressed, the source's cannot. */
        private void readInPlace(int k, int run, FrameLocation source) {
            long bytes = Page.address(run);
            try {
                for (long done = 0; done < bytes; ) {
                    long to = Page.address(into[k]) + done;
                    long from = source.offset() + done;
                    long part = Math.min(bytes - done, Math.min(left(store, to), left(source.store(), from)));
                    store.copyFrom(to, source.store(), from, part);
                    done += part;
                }
            } catch (StorageException e) {
                onePageAtATime(k, run);
                return;
            }
            bind(k, run);
        }

        /** {@return bytes from an offset to the end of its chunk} */
        private static long left(FrameStore in, long offset) {
            return in.chunkBytes() - (offset & (in.chunkBytes() - 1));
        }

        private void writeInPlace(int k, int run, FrameLocation source) {
            FrameStore origin = source.store();
            for (int done = 0; done < run && !ended; ) {
                long at = source.offset() + Page.address(done);
                long within = at & (origin.chunkBytes() - 1);
                int part = (int) Math.min(run - done, Page.of(origin.chunkBytes() - within));
                MemorySegment chunk = origin.segment(at);
                if (chunk == null) {
                    throw new IllegalStateException("a store gave out memory at 0x" + Long.toHexString(source.offset())
                            + " and none at 0x" + Long.toHexString(at));
                }
                write(k + done, part, chunk, within);
                done += part;
            }
        }

        private void write(int k, int run, MemorySegment from, long at) {
            int written = 0;
            while (written < run && !ended) {
                try {
                    long done = Page.address(written);
                    store.write(Page.address(into[k]) + done, from, at + done, Page.address(run) - done);
                    written = run;
                } catch (StorageException e) {
                    written = (int) Page.of(e.offset()) - into[k];
                    if (!(e instanceof StorageFullException) || !copies.makeRoom()) {
                        traffic.writeFailed(e);
                        ended = true;
                    }
                }
            }
            bind(k, written);
        }

        /** The contents of neighbours are there: the pages may go. */
        private void bind(int k, int run) {
            if (run == 0) {
                return;
            }
            long first = memory.firstFrame() + into[k];
            if (!memory.tryInitFrames(first, run)) {
                // As if it were full: what was to come here can go elsewhere.
                ended = true;
                return;
            }
            for (int i = 0; i < run; i++) {
                into[k + i] |= BOUND;
                memory.setDriverData(first + i, word(k + i));
                migration.setDestination(pages[k + i], first + i);
            }
        }

        void giveUnused() {
            for (int k = 0; k < count; k++) {
                if (into[k] >= 0) {
                    store.discard(Page.address(into[k]), Page.SIZE);
                    slots.give(into[k]);
                }
            }
        }

        int migrate() {
            int moved = migration.migrate();
            for (int k = 0; k < count; ) {
                int run = 0;
                while (k + run < count
                        && into[k + run] < 0
                        && migration.migrated(pages[k + run])
                        && into[k + run] == into[k] + run) {
                    run++;
                }
                if (run > 0) {
                    arrivals.add(into[k] & ~BOUND, run, (arrival + k) & ArrivalQueue.ARRIVAL_MASK);
                }
                k += Math.max(run, 1);
            }
            return moved;
        }
    }
}
