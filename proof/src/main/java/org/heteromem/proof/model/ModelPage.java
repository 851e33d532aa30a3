package org.heteromem.proof.model;

import java.util.HashMap;
import java.util.Map;
import org.heteromem.core.Protection;
import org.jspecify.annotations.Nullable;

/** A mapped page of a process. */
final class ModelPage {
    /** Memory that several processes see: its pages by their place in it. */
    static final class Store {
        final Map<Integer, Cell> cells = new HashMap<>();
    }

    Protection protection;
    /** For shared memory. */
    final @Nullable Store store;

    final int index;
    boolean locked;
    boolean dontFork;
    boolean wipeOnFork;
    boolean guard;
    boolean lost;
    /** For private memory that is not all zeros for certain. */
    @Nullable
    Cell cell;

    ModelPage(Protection protection, @Nullable Store store, int index) {
        this.protection = protection;
        this.store = store;
        this.index = index;
    }

    /** The same rights and flags, no contents; what it shares stays shared. */
    ModelPage withoutContents() {
        ModelPage copy = new ModelPage(protection, store, index);
        copy.locked = locked;
        copy.dontFork = dontFork;
        copy.wipeOnFork = wipeOnFork;
        return copy;
    }

    boolean isPrivate() {
        return store == null;
    }

    @Nullable
    Cell contents() {
        return store == null ? cell : store.cells.get(index);
    }

    /** Takes the contents away; others keep theirs. */
    void empty() {
        if (cell != null) {
            cell.mappers--;
            cell = null;
        }
        lost = false;
    }

    /** After a store: bytes that this process may change. */
    Cell written(int pageSize) {
        if (store != null) {
            return store.cells.computeIfAbsent(index, i -> new Cell(new byte[pageSize], Cell.Own.YES));
        }
        Cell now = cell;
        if (now == null) {
            now = new Cell(new byte[pageSize], Cell.Own.YES);
        } else if (now.own != Cell.Own.YES) {
            if (now.mappers == 1 && now.holders == 0) {
                now.own = Cell.Own.YES;
            } else {
                boolean inPlaceMaybe = now.own == Cell.Own.UNSURE && now.mappers == 1;
                now.doubtful |= inPlaceMaybe;
                now.mappers--;
                now = new Cell(now.bytes.clone(), Cell.Own.YES);
                now.maybeHeld = inPlaceMaybe;
            }
        }
        cell = now;
        return now;
    }

    /** After something that may or may not have made the page this process's own, as a store would. */
    void maybeWritten() {
        Cell now = cell;
        if (store != null || now == null || now.own != Cell.Own.NO) {
            return;
        }
        if (now.mappers == 1 && now.holders == 0) {
            now.own = Cell.Own.UNSURE;
        } else {
            now.mappers--;
            cell = new Cell(now.bytes.clone(), Cell.Own.UNSURE);
        }
    }
}
