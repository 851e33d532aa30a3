package org.heteromem.proof.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.proof.op.Facts;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.Outcome;
import org.heteromem.proof.op.Pattern;
import org.heteromem.proof.op.Word;
import org.jspecify.annotations.Nullable;

/**
 * Memory as it must look, whatever is done behind it: processes as arrays of pages, pages as rights and bytes. It does not
 * know frames, devices or page tables; a step that only moves pages is nothing to it.
 *
 * <p>Errors are Linux's: what the manual pages of mmap, mprotect, mremap, madvise, mlock and the rules of
 * get_user_pages and hmm_range_fault say, page by page in the order of addresses.
 */
public final class Model {
    private static final int SIZE = Page.SIZE;

    /** References from outside: a cell for each page, as far as they could be taken. */
    private record Held(List<Cell> cells, Op.Hold by) {}

    private static final Held NOTHING = new Held(List.of(), new Op.Hold(0, 0, 0, 0, Access.READ, Op.HoldKind.GET));
    private static final byte[] ZEROS = new byte[SIZE];

    /** The pages of each process; none in a slot without one. */
    private final ModelPage[][] spaces = new ModelPage[Op.SPACES][0];

    private final Held[] holds = new Held[Op.HOLDS];
    private final byte[] scratch = new byte[Op.PAGES * SIZE];
    private Facts facts = new Facts();

    /** Makes a machine with one empty process, in slot 0. */
    public Model() {
        spaces[0] = emptySpace();
        Arrays.fill(holds, NOTHING);
    }

    private static ModelPage[] emptySpace() {
        ModelPage[] pages = new ModelPage[Op.PAGES];
        Arrays.setAll(pages, i -> ModelPage.unmapped());
        return pages;
    }

    /**
     * {@return whether a process lives in a slot}
     *
     * @param space the slot
     */
    public boolean alive(int space) {
        return spaces[space].length > 0;
    }

    /**
     * {@return the step that took what is held in a slot, or null}
     *
     * @param hold the slot
     */
    public Op.@Nullable Hold held(int hold) {
        return holds[hold] == NOTHING ? null : holds[hold].by;
    }

    /**
     * {@return what is at an address}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public ModelPage page(int space, int page) {
        return alive(space) ? spaces[space][page] : ModelPage.unmapped();
    }

    // ---- steps -------------------------------------------------------------------------------------------------

    /**
     * Does a step.
     *
     * @param op a step that means something: of processes that live, on slots that are free or taken as it needs
     * @param told what the model does not follow
     * @return what must come out in reality
     */
    public Outcome apply(Op op, Facts told) {
        facts = told;
        Outcome outcome = run(op);
        forThose(told.gone, page -> {
            if (page.damaged) {
                page.empty();
                page.lost = true;
            }
        });
        return outcome;
    }

    /** For all pages of which something is told. */
    private void forThose(boolean[][] told, Consumer<ModelPage> action) {
        for (int space = 0; space < Op.SPACES; space++) {
            for (int i = 0; i < spaces[space].length; i++) {
                if (told[space][i]) {
                    action.accept(spaces[space][i]);
                }
            }
        }
    }

    private Outcome run(Op op) {
        return switch (op) {
            case Op.Map map -> map(map, map.protection(), map.sharing(), false);
            case Op.MapHomed map -> map(map, Protection.READ_WRITE, Sharing.PRIVATE, true);
            case Op.Unmap(int space, int page, int pages) -> unmap(spaces[space], page, pages);
            case Op.Protect protect -> protect(spaces[protect.space()], protect);
            case Op.Remap remap -> remap(spaces[remap.space()], remap);
            case Op.Advise advise -> advise(spaces[advise.space()], advise);
            case Op.Lock(int space, int page, int pages) -> lock(spaces[space], page, pages);
            case Op.Unlock(int space, int page, int pages) -> setLocked(spaces[space], page, pages, false);
            case Op.Fork fork -> fork(fork);
            case Op.Exit(int space) -> exit(space);
            case Op.Load(int space, int at, int bytes) -> load(spaces[space], at, bytes);
            case Op.Store(int space, int at, int bytes, long value) ->
                Outcome.orOk(store(spaces[space], at, bytes, value));
            case Op.CompareAndSet cas -> compareAndSet(spaces[cas.space()], cas);
            case Op.Add(int space, int at, int bytes, long delta) -> add(spaces[space], at, bytes, delta);
            case Op.Read(int space, int at, int bytes) -> read(spaces[space], at, bytes);
            case Op.Write(int space, int at, int bytes, long seed) ->
                Outcome.orOk(write(spaces[space], at, bytes, seed));
            case Op.Fault(int space, int page, Access access) -> Outcome.orOk(touch(spaces[space][page], access));
            case Op.DeviceRead(int device, int space, int page, int pages) -> deviceRead(spaces[space], page, pages);
            case Op.DeviceWrite write -> deviceWrite(spaces[write.space()], write);
            case Op.Exclusive(int device, int space, int page, int pages) -> exclusive(spaces[space], page, pages);
            case Op.ToDevice(int device, int space, int page, int pages) -> move(spaces[space], page, pages, true);
            case Op.ToDeviceAtOnce to -> move(spaces[to.space()], to.page(), to.pages(), true);
            case Op.Snapshot(int device, int space, int page, int pages) -> snapshot(spaces[space], page, pages);
            case Op.ToRam(int device, int space, int page, int pages) -> move(spaces[space], page, pages, true);
            case Op.ToNode(int node, int space, int page, int pages) -> move(spaces[space], page, pages, false);
            case Op.EvictDevice _, Op.EvictNode _, Op.Budget _, Op.Evict _, Op.Fetch _ -> Outcome.OK;
            case Op.Reclaim _, Op.Demote _, Op.Replug _ -> Outcome.OK;
            case Op.Restart _ -> {
                // Who maps the page again has it for himself: nobody remembers with whom it was shared.
                forThose(facts.restored, ModelPage::written);
                yield Outcome.OK;
            }
            case Op.Lose(int device, int space, int page, int pages) -> {
                lose(true);
                yield move(spaces[space], page, pages, true);
            }
            case Op.Damage _ -> lose(false);
            case Op.Hold hold -> hold(spaces[hold.space()], hold);
            case Op.HoldRead(int hold) -> holdRead(hold);
            case Op.HoldWrite(int hold, long seed) -> holdWrite(hold, seed);
            case Op.Release(int hold) -> release(hold);
        };
    }

    // ---- areas -------------------------------------------------------------------------------------------------

    private Outcome map(Op.OfRange op, Protection protection, Sharing sharing, boolean homed) {
        ModelPage[] pages = spaces[op.space()];
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            if (pages[i].mapped) {
                return Outcome.failed("EEXIST");
            }
        }
        Map<Integer, Cell> store = sharing == Sharing.SHARED ? new HashMap<>() : null;
        for (int i = 0; i < op.pages(); i++) {
            pages[op.page() + i] = new ModelPage(true, protection, store, i);
            pages[op.page() + i].homed = homed;
        }
        return Outcome.OK;
    }

    private static Outcome unmap(ModelPage[] pages, int from, int count) {
        for (int i = from; i < from + count; i++) {
            pages[i].empty();
            pages[i] = ModelPage.unmapped();
        }
        return Outcome.OK;
    }

    private static Outcome protect(ModelPage[] pages, Op.Protect op) {
        boolean stopped = false;
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            ModelPage page = pages[i];
            if (!page.mapped) {
                return Outcome.failed("ENOMEM");
            }
            if (page.homed) {
                return Outcome.failed("EINVAL");
            }
            boolean writableNow = !page.protection.writable() && op.protection().writable();
            page.protection = op.protection();
            if (writableNow && page.locked && !page.shared) {
                // What cannot be populated ends it, to the end of the area: where that is, is not followed here.
                stopped |= page.barred();
                if (stopped) {
                    page.maybeWritten();
                } else {
                    page.written();
                }
            }
        }
        return Outcome.OK;
    }

    private Outcome remap(ModelPage[] pages, Op.Remap op) {
        if (op.target() < op.page() + op.pages() && op.page() < op.target() + op.pages()) {
            return Outcome.failed("EINVAL");
        }
        if (!pages[op.page()].mapped) {
            return Outcome.failed("EFAULT");
        }
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            if (pages[i].homed) {
                return Outcome.failed("EINVAL");
            }
        }
        for (int i = 0; i < op.pages(); i++) {
            ModelPage page = pages[op.page() + i];
            if (page.mapped) {
                unmap(pages, op.target() + i, 1);
                pages[op.target() + i] = page;
                pages[op.page() + i] = op.mode() == RemapMode.MOVE ? ModelPage.unmapped() : page.withoutContents();
            }
        }
        for (int i = 0; i < Op.PAGES && op.mode() == RemapMode.KEEP_SOURCE; i++) {
            boolean moved = i >= op.target() && i < op.target() + op.pages();
            pages[i].locked &= moved || !facts.sameArea[i];
        }
        return Outcome.OK;
    }

    private static Outcome advise(ModelPage[] pages, Op.Advise op) {
        boolean populate = op.advice() == Advice.POPULATE_READ || op.advice() == Advice.POPULATE_WRITE;
        boolean hole = false;
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            hole |= !pages[i].mapped;
            if (hole && populate) {
                break;
            }
            String error = pages[i].mapped ? advisePage(pages[i], op.advice()) : null;
            if (error != null) {
                return Outcome.failed(error);
            }
        }
        return hole ? Outcome.failed("ENOMEM") : Outcome.OK;
    }

    private static @Nullable String advisePage(ModelPage page, Advice advice) {
        boolean refused = switch (advice) {
            case DONTNEED, COLD, PAGEOUT, GUARD_INSTALL -> page.locked;
            case FREE -> page.locked || page.shared;
            case WIPEONFORK -> page.shared;
            case POPULATE_READ -> !page.allows(Access.READ);
            case POPULATE_WRITE -> !page.allows(Access.WRITE);
            default -> false;
        };
        if (refused) {
            return "EINVAL";
        }
        switch (advice) {
            case DONTNEED -> page.empty();
            case GUARD_INSTALL -> {
                page.empty();
                page.guard = true;
            }
            case GUARD_REMOVE -> page.guard = false;
            case DONTFORK, DOFORK -> page.dontFork = advice == Advice.DONTFORK;
            case WIPEONFORK, KEEPONFORK -> page.wipeOnFork = advice == Advice.WIPEONFORK;
            case POPULATE_READ, POPULATE_WRITE -> {
                Access access = advice == Advice.POPULATE_WRITE ? Access.WRITE : Access.READ;
                return touch(page, access) == null ? null : "EFAULT";
            }
            case FREE, COLD, PAGEOUT, WILLNEED, HUGEPAGE, NOHUGEPAGE -> {
                // Nothing that a program could see.
            }
        }
        return null;
    }

    private static Outcome setLocked(ModelPage[] pages, int from, int count, boolean locked) {
        for (int i = from; i < from + count; i++) {
            if (!pages[i].mapped) {
                return Outcome.failed("ENOMEM");
            }
            pages[i].locked = locked;
        }
        return Outcome.OK;
    }

    private static Outcome lock(ModelPage[] pages, int from, int count) {
        Outcome marked = setLocked(pages, from, count, true);
        for (int i = from; i < from + count && marked == Outcome.OK; i++) {
            boolean own = !pages[i].shared && pages[i].protection.writable();
            if (touch(pages[i], own ? Access.WRITE : Access.READ) != null) {
                return Outcome.failed("ENOMEM");
            }
        }
        return marked;
    }

    private Outcome fork(Op.Fork op) {
        ModelPage[] child = emptySpace();
        for (int i = 0; i < Op.PAGES; i++) {
            ModelPage page = spaces[op.space()][i];
            if (!page.dontFork && !page.homed) {
                child[i] = page.withoutContents();
                child[i].locked = false;
                if (!page.wipeOnFork) {
                    child[i].shareContents(page);
                }
            }
        }
        spaces[op.child()] = child;
        return Outcome.OK;
    }

    private Outcome exit(int space) {
        unmap(spaces[space], 0, Op.PAGES);
        spaces[space] = new ModelPage[0];
        return Outcome.OK;
    }

    // ---- access ------------------------------------------------------------------------------------------------

    /** A touch by a CPU: null if it is served, else the signal. */
    private static @Nullable String touch(ModelPage page, Access access) {
        if (!page.allows(access) || page.guard) {
            return "SEGV";
        }
        if (page.lost || page.damaged) {
            return "BUS";
        }
        if (access == Access.WRITE) {
            page.written();
        }
        return null;
    }

    /** Null, or the signal. */
    private static @Nullable String load(ModelPage[] pages, int at, int bytes, byte[] into) {
        String error = null;
        for (int done = 0; done < bytes && error == null; ) {
            int from = (at + done) % SIZE;
            int part = Math.min(bytes - done, SIZE - from);
            ModelPage page = pages[(at + done) / SIZE];
            error = touch(page, Access.READ);
            byte[] found = page.bytes();
            System.arraycopy(found == null ? ZEROS : found, from, into, done, part);
            done += part;
        }
        return error;
    }

    /** Stores from {@link #scratch}, page by page; null, or the signal at the first page that has none. */
    private @Nullable String store(ModelPage[] pages, int at, int bytes) {
        for (int done = 0; done < bytes; ) {
            int from = (at + done) % SIZE;
            int part = Math.min(bytes - done, SIZE - from);
            ModelPage page = pages[(at + done) / SIZE];
            String error = touch(page, Access.WRITE);
            if (error != null) {
                return error;
            }
            System.arraycopy(scratch, done, page.written().bytes, from, part);
            done += part;
        }
        return null;
    }

    private Outcome load(ModelPage[] pages, int at, int bytes) {
        String error = load(pages, at, bytes, scratch);
        return error == null ? Outcome.of(Word.get(scratch, 0, bytes)) : Outcome.failed(error);
    }

    private @Nullable String store(ModelPage[] pages, int at, int bytes, long value) {
        Word.set(scratch, 0, bytes, value);
        return store(pages, at, bytes);
    }

    private static @Nullable String touchWord(ModelPage[] pages, int at, int bytes) {
        return at % bytes == 0 ? touch(pages[at / SIZE], Access.WRITE) : "EINVAL";
    }

    private Outcome compareAndSet(ModelPage[] pages, Op.CompareAndSet op) {
        String error = touchWord(pages, op.at(), op.bytes());
        if (error == null && op.hit()) {
            error = store(pages, op.at(), op.bytes(), op.value());
        }
        return error == null ? Outcome.of(op.hit() ? 1 : 0) : Outcome.failed(error);
    }

    private Outcome add(ModelPage[] pages, int at, int bytes, long delta) {
        String error = touchWord(pages, at, bytes);
        if (error != null) {
            return Outcome.failed(error);
        }
        long before = Word.get(pages[at / SIZE].written().bytes, at % SIZE, bytes);
        store(pages, at, bytes, before + delta);
        return Outcome.of(before);
    }

    private static Outcome read(ModelPage[] pages, int at, int bytes) {
        byte[] into = new byte[bytes];
        String error = load(pages, at, bytes, into);
        return error == null ? Outcome.of(into) : Outcome.failed(error);
    }

    private @Nullable String write(ModelPage[] pages, int at, int bytes, long seed) {
        Pattern.fill(scratch, bytes, seed);
        return store(pages, at, bytes);
    }

    // ---- devices -----------------------------------------------------------------------------------------------

    private static Outcome move(ModelPage[] pages, int from, int count, boolean readable) {
        for (int i = from; i < from + count; i++) {
            if (!pages[i].mapped || (readable && !pages[i].protection.readable())) {
                return Outcome.failed("EINVAL");
            }
        }
        return Outcome.OK;
    }

    private static Outcome snapshot(ModelPage[] pages, int from, int count) {
        byte[] seen = new byte[3 * count];
        boolean[] unsure = new boolean[3 * count];
        for (int i = 0; i < count; i++) {
            ModelPage page = pages[from + i];
            seen[3 * i] = (byte) (page.allows(Access.READ) ? 0 : 1);
            unsure[3 * i + 1] = page.allows(Access.READ) && !page.barred();
            unsure[3 * i + 2] = unsure[3 * i + 1] && page.allows(Access.WRITE);
        }
        return Outcome.of(seen, unsure);
    }

    private static Outcome deviceRead(ModelPage[] pages, int from, int count) {
        Outcome read = read(pages, from * SIZE, count * SIZE);
        return read.error() == null ? read : Outcome.failed("EFAULT");
    }

    /** All pages are made writable before anything is written; at which of several bad pages it fails is left open. */
    private Outcome deviceWrite(ModelPage[] pages, Op.DeviceWrite op) {
        int end = op.page() + op.pages();
        boolean fault = false;
        boolean permission = false;
        for (int i = op.page(); i < end; i++) {
            boolean absent = !pages[i].protection.readable() || pages[i].barred();
            // What is damaged is found out when the page is brought home, for which rights come first.
            permission |= (!absent || pages[i].damaged) && !pages[i].protection.writable();
            fault |= absent;
        }
        if (fault || permission) {
            for (int i = op.page(); i < end; i++) {
                if (pages[i].allows(Access.WRITE)) {
                    pages[i].maybeWritten();
                }
            }
            return Outcome.failed(fault && permission ? "EFAULT|EPERM" : fault ? "EFAULT" : "EPERM");
        }
        return Outcome.orOk(write(pages, op.page() * SIZE, op.pages() * SIZE, op.seed()));
    }

    private static Outcome exclusive(ModelPage[] pages, int from, int count) {
        for (int i = from; i < from + count; i++) {
            if (touch(pages[i], Access.WRITE) != null) {
                return Outcome.failed("EFAULT");
            }
            if (pages[i].shared || pages[i].homed) {
                // The pages before it were made to be there, for which RAM can be too small.
                return Outcome.failed(pages[i].homed ? "EOPNOTSUPP|" + Outcome.EXHAUSTED : "EOPNOTSUPP");
            }
        }
        return Outcome.OK;
    }

    private Outcome lose(boolean known) {
        forThose(facts.lost, page -> {
            if (known) {
                page.empty();
            }
            page.lost = known;
            page.damaged = !known;
        });
        return Outcome.OK;
    }

    // ---- references from outside -------------------------------------------------------------------------------

    private Outcome hold(ModelPage[] pages, Op.Hold op) {
        Held held = new Held(new ArrayList<>(), op);
        String error = null;
        boolean elsewhere = false;
        for (int i = 0; i < op.pages() && error == null; i++) {
            ModelPage page = pages[op.page() + i];
            if (touch(page, op.access()) != null) {
                error = "EFAULT";
            } else {
                Cell before = page.contents();
                elsewhere |= before != null && (before.holders > 0 || before.maybeHeld);
                held.cells.add(take(page, op.access(), op.kind(), facts.zeroPage[i]));
            }
        }
        if ("EBUSY".equals(facts.real.error()) && op.kind() == Op.HoldKind.LONG && elsewhere) {
            // Coherent device memory that somebody else holds; how far it came is not told.
            error = "EBUSY";
        }
        if (error == null) {
            holds[op.hold()] = held;
            return Outcome.OK;
        }
        put(held);
        for (int i = 0; i < op.pages() && error.equals("EBUSY"); i++) {
            pages[op.page() + i].maybeWritten();
        }
        return Outcome.failed(error);
    }

    private static Cell take(ModelPage page, Access access, Op.HoldKind kind, boolean zeroPage) {
        boolean unshare = access == Access.READ && kind != Op.HoldKind.GET && !(zeroPage && kind == Op.HoldKind.PIN);
        if (unshare || page.shared || page.homed) {
            page.written();
        }
        Cell cell = page.contents();
        if (cell == null) {
            // Zeros: for all who touch none but this, or in a page of their own, perhaps shared over a fork.
            cell = new Cell(new byte[SIZE], Cell.Own.UNSURE);
            page.cell = zeroPage ? null : cell;
        }
        cell.holders++;
        cell.pins += kind == Op.HoldKind.GET ? 0 : 1;
        return cell;
    }

    private static void put(Held held) {
        for (Cell cell : held.cells) {
            cell.holders--;
            cell.pins -= held.by.kind() == Op.HoldKind.GET ? 0 : 1;
        }
    }

    private Outcome holdRead(int hold) {
        List<Cell> cells = holds[hold].cells;
        byte[] into = new byte[cells.size() * SIZE];
        boolean[] unsure = new boolean[cells.size()];
        for (int i = 0; i < unsure.length; i++) {
            System.arraycopy(cells.get(i).bytes, 0, into, i * SIZE, SIZE);
            unsure[i] = cells.get(i).doubtful;
        }
        return Outcome.of(into, unsure);
    }

    private Outcome holdWrite(int hold, long seed) {
        Pattern.fill(scratch, SIZE, seed);
        holds[hold].cells.forEach(cell -> System.arraycopy(scratch, 0, cell.bytes, 0, SIZE));
        return Outcome.OK;
    }

    private Outcome release(int hold) {
        put(holds[hold]);
        holds[hold] = NOTHING;
        return Outcome.OK;
    }

    // ---- steps that failed because the outside did -------------------------------------------------------------

    /**
     * Gives up what is known of who has the pages of a step for himself.
     *
     * @param op a step during which the outside failed
     */
    public void doubt(Op op) {
        int space = op instanceof Op.OfRange r ? r.space() : op instanceof Op.OfBytes b ? b.space() : -1;
        space = op instanceof Op.Fork fork ? fork.space() : space;
        if (space >= 0) {
            for (ModelPage page : spaces[space]) {
                page.doubt();
            }
        }
    }
}
