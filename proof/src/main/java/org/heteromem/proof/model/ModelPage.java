package org.heteromem.proof.model;

import java.util.Map;
import org.heteromem.core.Access;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.jspecify.annotations.Nullable;

/** What a process has at the place of one page, to be read by who compares. Where nothing is mapped: no rights, no contents. */
public final class ModelPage {
    /** Whether anything is mapped. */
    public final boolean mapped;
    /** Whether it is shared memory. */
    public final boolean shared;
    /** What it is for. */
    public Protection protection;
    /** Locked in memory. */
    public boolean locked;
    /** A guard is installed. */
    public boolean guard;
    /** Its contents were lost by a device. */
    public boolean lost;
    /** Lives in one place only: cannot be moved, protected or forked. */
    public boolean homed;
    /** What a device holds of it cannot be read: the first touch that reaches it loses it. */
    public boolean damaged;

    boolean dontFork;
    boolean wipeOnFork;
    /** For private memory that is not all zeros for certain. */
    @Nullable
    Cell cell;

    /** For shared memory, which several processes see: its pages by their place in it. */
    private final @Nullable Map<Integer, Cell> store;

    private final int index;

    ModelPage(boolean mapped, Protection protection, @Nullable Map<Integer, Cell> store, int index) {
        this.mapped = mapped;
        this.shared = store != null;
        this.protection = protection;
        this.store = store;
        this.index = index;
    }

    static ModelPage unmapped() {
        return new ModelPage(false, Protection.NONE, null, 0);
    }

    /** {@return its bytes, not to be changed; null for all zeros} */
    public byte @Nullable [] bytes() {
        Cell now = contents();
        return now == null ? null : now.bytes;
    }

    /**
     * Puts back the bytes that it had before a step that failed.
     *
     * @param bytes what it had
     */
    public void revert(byte[] bytes) {
        Cell now = contents();
        if (now != null) {
            System.arraycopy(bytes, 0, now.bytes, 0, Page.SIZE);
        }
    }

    /** {@return whether somebody outside holds it} */
    public boolean held() {
        return cell != null && cell.holders > 0;
    }

    boolean allows(Access access) {
        return access == Access.WRITE ? protection.writable() : protection.readable();
    }

    boolean barred() {
        return guard || lost || damaged;
    }

    @Nullable
    Cell contents() {
        return store == null ? cell : store.get(index);
    }

    /** The same rights and flags, no contents; what it shares stays shared. */
    ModelPage withoutContents() {
        ModelPage copy = new ModelPage(mapped, protection, store, index);
        copy.locked = locked;
        copy.dontFork = dontFork;
        copy.wipeOnFork = wipeOnFork;
        return copy;
    }

    /** Gets what a parent has at a fork: the same bytes, until one of the two stores; a copy at once of what is pinned. */
    void shareContents(ModelPage parent) {
        guard = parent.guard;
        lost = parent.lost;
        damaged = parent.damaged;
        cell = parent.cell;
        if (cell != null && cell.own == Cell.Own.YES && cell.pins > 0) {
            cell = new Cell(cell.bytes.clone(), Cell.Own.YES);
        } else if (cell != null) {
            cell.own = Cell.Own.NO;
            cell.mappers++;
        }
    }

    /** Takes the contents away; others keep theirs. */
    void empty() {
        if (cell != null) {
            cell.mappers--;
            cell = null;
        }
        lost = false;
        damaged = false;
    }

    /** After a store: bytes that this process may change. */
    Cell written() {
        if (store != null) {
            return store.computeIfAbsent(index, i -> new Cell(new byte[Page.SIZE], Cell.Own.YES));
        }
        Cell now = cell;
        if (now == null) {
            now = new Cell(new byte[Page.SIZE], Cell.Own.YES);
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

    /** After a step that failed: who has the page for himself is not known, but that pins keep it. */
    void doubt() {
        if (cell != null && !homed && cell.mappers == 1 && cell.pins == 0) {
            cell.own = Cell.Own.UNSURE;
        }
    }
}
