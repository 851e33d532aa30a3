package org.heteromem.devices.storage;

import org.heteromem.core.Access;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.MemoryManager.FrameLocation;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.Spares;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.jspecify.annotations.Nullable;

/** Brings pages of a device home. Each page for itself: one that cannot be read stays, and the others go. */
final class Inbound {
    /** No page in particular was touched. */
    private static final int NONE = -1;
    /** How many batches are kept that are used again. */
    private static final int SPARES = 16;

    private final MemoryManager manager;
    private final PageStore store;
    private final Traffic traffic;
    private final DeviceMemory memory;
    private final Copies copies;
    private final Spares<Batch> spares = new Spares<>(SPARES);

    Inbound(StorageDevice device) {
        this.manager = device.manager();
        this.store = device.store();
        this.traffic = device.traffic();
        this.memory = device.memory();
        this.copies = device.copies();
    }

    /**
     * Begins to bring pages home because one was touched. Allocates nothing, as a rule.
     *
     * @param fault what the driver was called with
     * @param address first byte of the pages
     * @param length bytes
     * @param touched which of them was touched
     * @return the batch, to be closed, and given back when nothing is to be asked of it any more
     */
    Batch forFault(DeviceFault fault, long address, long length, int touched) {
        Batch spare = spares.take();
        Batch batch = spare == null ? new Batch(Migration.reusable()) : spare;
        batch.migration.beginForFault(fault, address, length);
        batch.begin(touched, fault.access());
        return batch;
    }

    /** Takes back what {@link #forFault} gave. */
    void giveBack(Batch batch) {
        batch.failure = null;
        spares.give(batch);
    }

    /**
     * Begins to bring pages home that nobody has touched.
     *
     * @param migration just set up; closed by who made it
     */
    Batch ahead(Migration migration) {
        Batch batch = new Batch(migration);
        batch.begin(NONE, Access.READ);
        return batch;
    }

    /** One migration on its way home, and what went wrong with the page that was touched. To close it is to close that. */
    final class Batch implements AutoCloseable {
        private final Migration migration;
        private final SourceEntries sources;
        private int touched;
        private Access access = Access.READ;
        /** Frames whose contents stay as copies. */
        private long[] kept = {};

        private int keptCount;
        private int firstNumber;
        private @Nullable StorageException failure;

        private Batch(Migration migration) {
            this.migration = migration;
            this.sources = migration.sources();
        }

        private void begin(int touched, Access access) {
            this.touched = touched;
            this.access = access;
            this.keptCount = 0;
        }

        /** Lets go of the pages. */
        @Override
        public void close() {
            migration.close();
        }

        /** {@return whether the touched page came; before it is closed} */
        boolean touchedCame() {
            return migration.migrated(touched);
        }

        /** {@return whether the touched page waits here to be moved} */
        boolean stillThere() {
            return wanted(touched);
        }

        private boolean wanted(int i) {
            return sources.movable(i) && !sources.hole(i);
        }

        /** {@return whether RAM had a frame for the touched page, or if none was touched for all; the others get what is left} */
        boolean allocate() {
            if (touched != NONE && !migration.allocateRam(touched)) {
                return false;
            }
            migration.allocateRam();
            if (touched == NONE) {
                for (int i = 0; i < migration.pages(); i++) {
                    if (wanted(i) && migration.destination(i) == 0) {
                        return false;
                    }
                }
            }
            return true;
        }

        /** {@return how many pages went home} */
        int move() {
            for (int i = 0; i < migration.pages(); ) {
                if (migration.destination(i) == 0) {
                    i++;
                    continue;
                }
                int run = run(i);
                try {
                    copy(i, run);
                } catch (StorageException e) {
                    onePageAtATime(i, run, e);
                }
                i += run;
            }
            if (!copies.wanted()) {
                return migration.migrate();
            }
            keepCopies();
            int moved = migration.migrate();
            numberCopies();
            return moved;
        }

        private void keepCopies() {
            for (int i = 0; i < migration.pages(); i++) {
                boolean writtenAtOnce = i == touched && access == Access.WRITE;
                if (migration.destination(i) != 0 && !writtenAtOnce) {
                    keptCount += migration.keepSource(i) ? 1 : 0;
                }
            }
        }

        /** What has moved will be a copy as soon as the migration is closed; it is no page of the device any more. */
        private void numberCopies() {
            if (keptCount == 0) {
                return;
            }
            firstNumber = copies.number(keptCount);
            if (kept.length < keptCount) {
                kept = new long[keptCount];
            }
            keptCount = 0;
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.keepsSource(i)) {
                    memory.setDriverData(sources.frame(i), Outbound.word(Outbound.NO_TIME, number(keptCount)));
                    kept[keptCount++] = sources.frame(i);
                }
            }
        }

        private int number(int k) {
            return (firstNumber + k) & ArrivalQueue.ARRIVAL_MASK;
        }

        /** Takes the copies into the books, after the migration was closed. */
        void noteCopies() {
            for (int k = 0; k < keptCount; ) {
                int run = 1;
                while (k + run < keptCount && kept[k + run] == kept[k] + run) {
                    run++;
                }
                copies.kept((int) (kept[k] - memory.firstFrame()), run, number(k));
                k += run;
            }
        }

        /** {@return how many of the pages from the i-th on are neighbours here and there} */
        private int run(int i) {
            int run = 1;
            while (i + run < migration.pages()
                    && migration.destination(i + run) == migration.destination(i) + run
                    && sources.frame(i + run) == sources.frame(i) + run) {
                run++;
            }
            return run == 1
                            || manager.locate(migration.destination(i)).store()
                                    == manager.locate(migration.destination(i + run - 1))
                                            .store()
                    ? run
                    : 1;
        }

        private void copy(int i, int run) {
            FrameLocation target = manager.locate(migration.destination(i));
            FrameLocation source = manager.locate(sources.frame(i));
            long bytes = Page.address(run);
            long ramChunk = target.store().chunkBytes();
            for (long done = 0; done < bytes; ) {
                long to = target.offset() + done;
                long from = source.offset() + done;
                long part = Math.min(
                        bytes - done,
                        Math.min(
                                ramChunk - (to & (ramChunk - 1)),
                                store.chunkBytes() - (from & (store.chunkBytes() - 1))));
                target.store().copyFrom(to, store, from, part);
                done += part;
            }
        }

        private void onePageAtATime(int first, int run, StorageException reason) {
            if (run == 1) {
                failed(first, reason);
                return;
            }
            for (int i = first; i < first + run; i++) {
                try {
                    copy(i, 1);
                } catch (StorageException e) {
                    failed(i, e);
                }
            }
        }

        /** Nobody waits for a page that was to come along: whoever touches it will hear of it. */
        private void failed(int i, StorageException reason) {
            traffic.readErrors.increment();
            if (i == touched) {
                failure = reason;
                if (reason instanceof CorruptPageException) {
                    traffic.pagesLost.increment();
                    migration.markLost(i);
                    return;
                }
            }
            migration.decline(i);
        }

        /** {@return why the touched page could not be read, or null if it could} */
        @Nullable
        StorageException failure() {
            return failure;
        }
    }
}
