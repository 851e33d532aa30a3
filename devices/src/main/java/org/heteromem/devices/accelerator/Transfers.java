package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.MemoryManager.FrameLocation;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.jspecify.annotations.Nullable;

/** Copies the pages of a migration: neighbouring frames in one go, and large amounts by the copy engine. */
final class Transfers {
    /** Up to this many bytes a hand-over to another thread costs more than the copy. */
    private static final long INLINE_BYTES = 64L << 10;

    private final MemoryManager manager;
    private final CopyEngine engine;
    private final boolean anyOrder;

    /**
     * Makes them.
     *
     * @param manager whose frames
     * @param engine copies large amounts, piece by piece in any order
     * @param anyOrder whether pieces may be copied so; otherwise the caller copies everything, in ascending order
     */
    Transfers(MemoryManager manager, CopyEngine engine, boolean anyOrder) {
        this.manager = manager;
        this.engine = engine;
        this.anyOrder = anyOrder;
    }

    /**
     * Copies every page that has a destination; returns when all are there.
     *
     * @param migration collected, its device entries gone
     */
    void copy(Migration migration) {
        List<CopyEngine.Transfer> transfers = new ArrayList<>();
        long bytes = 0;
        SourceEntries sources = migration.sources();
        CopyEngine.@Nullable Transfer open = null;
        for (int i = 0; i < migration.pages(); i++) {
            long destination = migration.destination(i);
            if (destination == 0) {
                continue;
            }
            bytes += Page.SIZE;
            FrameLocation to = manager.locate(destination);
            FrameLocation from = sources.hole(i) ? null : manager.locate(sources.frame(i));
            if (open != null && continues(open, to, from)) {
                open = new CopyEngine.Transfer(
                        open.to(), open.toOffset(), open.from(), open.fromOffset(), open.bytes() + Page.SIZE);
                continue;
            }
            if (open != null) {
                transfers.add(open);
            }
            open = new CopyEngine.Transfer(
                    to.store(),
                    to.offset(),
                    from == null ? null : from.store(),
                    from == null ? 0 : from.offset(),
                    Page.SIZE);
        }
        if (open == null) {
            return;
        }
        transfers.add(open);
        if (bytes <= INLINE_BYTES || !anyOrder) {
            transfers.forEach(CopyEngine.Transfer::run);
        } else {
            engine.submit(transfers).await();
        }
    }

    private static boolean continues(CopyEngine.Transfer open, FrameLocation to, @Nullable FrameLocation from) {
        boolean there = next(open.to(), open.toOffset(), open.bytes(), to);
        if (from == null || open.from() == null) {
            return there && from == null && open.from() == null;
        }
        return there && next(open.from(), open.fromOffset(), open.bytes(), from);
    }

    private static boolean next(FrameStore store, long offset, long bytes, FrameLocation page) {
        return page.store() == store
                && page.offset() == offset + bytes
                && (page.offset() & (store.chunkBytes() - 1)) != 0;
    }
}
