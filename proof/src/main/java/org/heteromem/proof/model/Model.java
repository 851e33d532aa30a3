package org.heteromem.proof.model;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
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
import org.jspecify.annotations.Nullable;

/**
 * Memory as it must look, whatever is done behind it: processes as arrays of pages, pages as rights and bytes. It does not
 * know frames, devices or page tables; a step that only moves pages is nothing to it.
 *
 * <p>Errors are Linux's: what the manual pages of mmap, mprotect, mremap, madvise, mlock and the rules of
 * get_user_pages and hmm_range_fault say, page by page in the order of addresses.
 */
public final class Model {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final int SIZE = Page.SIZE;

    /** References from outside: a cell for each page, or null for the zero page. */
    private static final class Held {
        final @Nullable Cell[] cells;
        final Access access;
        final Op.HoldKind kind;

        Held(@Nullable Cell[] cells, Access access, Op.HoldKind kind) {
            this.cells = cells;
            this.access = access;
            this.kind = kind;
        }
    }

    /** A process: its pages, null where nothing is mapped. */
    private static final class Task {
        final @Nullable ModelPage[] pages = new ModelPage[Op.PAGES];
    }

    private final @Nullable Task[] spaces = new Task[Op.SPACES];
    private final @Nullable Held[] holds = new Held[Op.HOLDS];
    private final byte[] scratch = new byte[Op.PAGES * SIZE];
    private Facts facts = new Facts();

    /** Makes a machine with one empty process, in slot 0. */
    public Model() {
        spaces[0] = new Task();
    }

    // ---- for whoever compares or chooses -----------------------------------------------------------------------

    /**
     * {@return whether a process lives in a slot}
     *
     * @param space the slot
     */
    public boolean alive(int space) {
        return spaces[space] != null;
    }

    /**
     * {@return whether references are held in a slot}
     *
     * @param hold the slot
     */
    public boolean held(int hold) {
        return holds[hold] != null;
    }

    /**
     * {@return whether a page is mapped}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public boolean mapped(int space, int page) {
        return page(space, page) != null;
    }

    /**
     * {@return whether a page's contents were lost by a device}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public boolean lost(int space, int page) {
        ModelPage p = page(space, page);
        return p != null && p.lost;
    }

    /**
     * {@return whether a guard is installed}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public boolean guarded(int space, int page) {
        ModelPage p = page(space, page);
        return p != null && p.guard;
    }

    /**
     * {@return what a page is for; null if nothing is mapped}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public @Nullable Protection protection(int space, int page) {
        ModelPage p = page(space, page);
        return p == null ? null : p.protection;
    }

    /**
     * {@return whether a page is shared memory}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public boolean shared(int space, int page) {
        ModelPage p = page(space, page);
        return p != null && !p.isPrivate();
    }

    /**
     * {@return whether a page is locked in memory}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public boolean locked(int space, int page) {
        ModelPage p = page(space, page);
        return p != null && p.locked;
    }

    /**
     * {@return the bytes of a page, not to be changed; null for all zeros}
     *
     * @param space the slot of a process
     * @param page the page
     */
    public byte @Nullable [] bytes(int space, int page) {
        ModelPage p = page(space, page);
        Cell cell = p == null ? null : p.contents();
        return cell == null ? null : cell.bytes;
    }

    private @Nullable ModelPage page(int space, int page) {
        Task process = spaces[space];
        return process == null ? null : process.pages[page];
    }

    private @Nullable ModelPage[] pages(int space) {
        Task process = spaces[space];
        if (process == null) {
            throw new IllegalStateException("no process in slot " + space);
        }
        return process.pages;
    }

    // ---- steps -------------------------------------------------------------------------------------------------

    /**
     * {@return whether a step means anything now: dead processes, taken and empty slots make it nothing}
     *
     * @param op a step
     */
    public boolean applies(Op op) {
        return switch (op) {
            case Op.Hold hold -> alive(hold.space()) && !held(hold.hold());
            case Op.OfRange range -> alive(range.space());
            case Op.OfBytes bytes -> alive(bytes.space());
            case Op.Fork fork -> alive(fork.space()) && !alive(fork.child());
            case Op.Exit exit -> alive(exit.space());
            case Op.HoldRead read -> held(read.hold());
            case Op.HoldWrite write -> {
                Held held = holds[write.hold()];
                yield held != null && held.access == Access.WRITE && held.kind != Op.HoldKind.GET;
            }
            case Op.Release release -> held(release.hold());
            case Op.EvictDevice evict -> true;
            case Op.EvictNode evict -> true;
        };
    }

    /**
     * Does a step.
     *
     * @param op a step that {@link #applies}
     * @param told what the model does not follow
     * @return what must come out in reality
     */
    public Outcome apply(Op op, Facts told) {
        facts = told;
        return switch (op) {
            case Op.Map map -> map(map);
            case Op.Unmap(int space, int page, int pages) -> unmap(pages(space), page, pages);
            case Op.Protect protect -> protect(pages(protect.space()), protect);
            case Op.Remap remap -> remap(pages(remap.space()), remap);
            case Op.Advise advise -> advise(pages(advise.space()), advise);
            case Op.Lock(int space, int page, int pages) -> lock(pages(space), page, pages);
            case Op.Unlock(int space, int page, int pages) -> setLocked(pages(space), page, pages, false);
            case Op.Fork fork -> fork(fork);
            case Op.Exit(int space) -> exit(space);
            case Op.Load(int space, int at, int bytes) -> load(pages(space), at, bytes);
            case Op.Store(int space, int at, int bytes, long value) -> store(pages(space), at, bytes, value);
            case Op.CompareAndSet cas -> compareAndSet(pages(cas.space()), cas);
            case Op.Add(int space, int at, int bytes, long delta) -> add(pages(space), at, bytes, delta);
            case Op.Read(int space, int at, int bytes) -> read(pages(space), at, bytes);
            case Op.Write(int space, int at, int bytes, long seed) -> write(pages(space), at, bytes, seed);
            case Op.Fault(int space, int page, Access access) -> fault(page(space, page), access);
            case Op.DeviceRead(int device, int space, int page, int pages) -> deviceRead(pages(space), page, pages);
            case Op.DeviceWrite write -> deviceWrite(pages(write.space()), write);
            case Op.Exclusive(int device, int space, int page, int pages) -> exclusive(pages(space), page, pages);
            case Op.ToDevice(int device, int space, int page, int pages) -> move(pages(space), page, pages, true);
            case Op.ToRam(int device, int space, int page, int pages) -> move(pages(space), page, pages, true);
            case Op.ToNode(int node, int space, int page, int pages) -> move(pages(space), page, pages, false);
            case Op.EvictDevice evict -> Outcome.OK;
            case Op.EvictNode evict -> Outcome.OK;
            case Op.Lose lose -> lose(pages(lose.space()), lose);
            case Op.Hold hold -> hold(pages(hold.space()), hold);
            case Op.HoldRead(int hold) -> holdRead(hold);
            case Op.HoldWrite(int hold, long seed) -> holdWrite(hold, seed);
            case Op.Release(int hold) -> release(hold);
        };
    }

    // ---- areas -------------------------------------------------------------------------------------------------

    private Outcome map(Op.Map op) {
        @Nullable ModelPage[] pages = pages(op.space());
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            if (pages[i] != null) {
                return Outcome.failed("EEXIST");
            }
        }
        ModelPage.Store store = op.sharing() == Sharing.SHARED ? new ModelPage.Store() : null;
        for (int i = 0; i < op.pages(); i++) {
            pages[op.page() + i] = new ModelPage(op.protection(), store, i);
        }
        return Outcome.OK;
    }

    private static Outcome unmap(@Nullable ModelPage[] pages, int from, int count) {
        for (int i = from; i < from + count; i++) {
            ModelPage page = pages[i];
            if (page != null) {
                page.empty();
                pages[i] = null;
            }
        }
        return Outcome.OK;
    }

    private static Outcome protect(@Nullable ModelPage[] pages, Op.Protect op) {
        boolean stopped = false;
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            ModelPage page = pages[i];
            if (page == null) {
                return Outcome.failed("ENOMEM");
            }
            boolean populate = page.locked
                    && !page.protection.writable()
                    && op.protection().writable();
            page.protection = op.protection();
            if (populate && page.isPrivate()) {
                // What cannot be populated ends it, to the end of the area: where that is, is not followed here.
                stopped |= page.guard || page.lost;
                if (stopped) {
                    page.maybeWritten();
                } else {
                    page.written(SIZE);
                }
            }
        }
        return Outcome.OK;
    }

    private Outcome remap(@Nullable ModelPage[] pages, Op.Remap op) {
        if (op.target() < op.page() + op.pages() && op.page() < op.target() + op.pages()) {
            return Outcome.failed("EINVAL");
        }
        if (pages[op.page()] == null) {
            return Outcome.failed("EFAULT");
        }
        for (int i = 0; i < op.pages(); i++) {
            ModelPage page = pages[op.page() + i];
            if (page == null) {
                continue;
            }
            unmap(pages, op.target() + i, 1);
            pages[op.target() + i] = page;
            pages[op.page() + i] = op.mode() == RemapMode.MOVE ? null : page.withoutContents();
        }
        if (op.mode() == RemapMode.KEEP_SOURCE) {
            for (int i = 0; i < Op.PAGES; i++) {
                ModelPage page = pages[i];
                boolean moved = i >= op.target() && i < op.target() + op.pages();
                if (page != null && facts.sameArea[i] && !moved) {
                    page.locked = false;
                }
            }
        }
        return Outcome.OK;
    }

    private static Outcome advise(@Nullable ModelPage[] pages, Op.Advise op) {
        boolean hole = false;
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            ModelPage page = pages[i];
            boolean populate = op.advice() == Advice.POPULATE_READ || op.advice() == Advice.POPULATE_WRITE;
            if (page == null) {
                if (populate) {
                    return Outcome.failed("ENOMEM");
                }
                hole = true;
                continue;
            }
            String error = advisePage(page, op.advice());
            if (error != null) {
                return Outcome.failed(error);
            }
        }
        return hole ? Outcome.failed("ENOMEM") : Outcome.OK;
    }

    private static @Nullable String advisePage(ModelPage page, Advice advice) {
        switch (advice) {
            case DONTNEED -> {
                if (page.locked) {
                    return "EINVAL";
                }
                page.empty();
            }
            case FREE -> {
                return page.locked || !page.isPrivate() ? "EINVAL" : null;
            }
            case COLD, PAGEOUT -> {
                return page.locked ? "EINVAL" : null;
            }
            case GUARD_INSTALL -> {
                if (page.locked) {
                    return "EINVAL";
                }
                page.empty();
                page.guard = true;
            }
            case GUARD_REMOVE -> page.guard = false;
            case DONTFORK -> page.dontFork = true;
            case DOFORK -> page.dontFork = false;
            case WIPEONFORK -> {
                if (!page.isPrivate()) {
                    return "EINVAL";
                }
                page.wipeOnFork = true;
            }
            case KEEPONFORK -> page.wipeOnFork = false;
            case POPULATE_READ, POPULATE_WRITE -> {
                Access access = advice == Advice.POPULATE_WRITE ? Access.WRITE : Access.READ;
                if (!allows(page, access)) {
                    return "EINVAL";
                }
                return touch(page, access) == null ? null : "EFAULT";
            }
            case WILLNEED, HUGEPAGE, NOHUGEPAGE -> {
                // Nothing that a program could see.
            }
        }
        return null;
    }

    private static Outcome setLocked(@Nullable ModelPage[] pages, int from, int count, boolean locked) {
        for (int i = from; i < from + count; i++) {
            ModelPage page = pages[i];
            if (page == null) {
                return Outcome.failed("ENOMEM");
            }
            page.locked = locked;
        }
        return Outcome.OK;
    }

    private static Outcome lock(@Nullable ModelPage[] pages, int from, int count) {
        Outcome marked = setLocked(pages, from, count, true);
        for (int i = from; i < from + count && marked == Outcome.OK; i++) {
            ModelPage page = pages[i];
            if (page != null) {
                Access access = page.isPrivate() && page.protection.writable() ? Access.WRITE : Access.READ;
                if (touch(page, access) != null) {
                    return Outcome.failed("ENOMEM");
                }
            }
        }
        return marked;
    }

    private Outcome fork(Op.Fork op) {
        @Nullable ModelPage[] parent = pages(op.space());
        Task child = new Task();
        for (int i = 0; i < Op.PAGES; i++) {
            ModelPage page = parent[i];
            if (page == null || page.dontFork) {
                continue;
            }
            ModelPage copy = page.withoutContents();
            copy.locked = false;
            child.pages[i] = copy;
            if (page.wipeOnFork) {
                continue;
            }
            copy.guard = page.guard;
            copy.lost = page.lost;
            Cell cell = page.cell;
            if (cell == null) {
                continue;
            }
            if (cell.own == Cell.Own.YES && cell.pins > 0) {
                copy.cell = new Cell(cell.bytes.clone(), Cell.Own.YES);
            } else {
                cell.own = Cell.Own.NO;
                cell.mappers++;
                copy.cell = cell;
            }
        }
        spaces[op.child()] = child;
        return Outcome.OK;
    }

    private Outcome exit(int space) {
        unmap(pages(space), 0, Op.PAGES);
        spaces[space] = null;
        return Outcome.OK;
    }

    // ---- access ------------------------------------------------------------------------------------------------

    private static boolean allows(ModelPage page, Access access) {
        return access == Access.WRITE ? page.protection.writable() : page.protection.readable();
    }

    /** A touch by a CPU: null if it is served, else the signal. */
    private static @Nullable String touch(@Nullable ModelPage page, Access access) {
        if (page == null || !allows(page, access) || page.guard) {
            return "SEGV";
        }
        if (page.lost) {
            return "BUS";
        }
        if (access == Access.WRITE) {
            page.written(SIZE);
        }
        return null;
    }

    private static Outcome fault(@Nullable ModelPage page, Access access) {
        String error = touch(page, access);
        return error == null ? Outcome.OK : Outcome.failed(error);
    }

    /** Loads into {@link #scratch}; null, or the signal. */
    private @Nullable String load(@Nullable ModelPage[] pages, int at, int bytes, byte[] into) {
        for (int done = 0; done < bytes; ) {
            int from = (at + done) % SIZE;
            int part = Math.min(bytes - done, SIZE - from);
            ModelPage page = pages[(at + done) / SIZE];
            String error = touch(page, Access.READ);
            if (error != null || page == null) {
                return error;
            }
            Cell cell = page.contents();
            if (cell == null) {
                Arrays.fill(into, done, done + part, (byte) 0);
            } else {
                System.arraycopy(cell.bytes, from, into, done, part);
            }
            done += part;
        }
        return null;
    }

    /** Stores from {@link #scratch}, page by page; null, or the signal at the first page that has none. */
    private @Nullable String store(@Nullable ModelPage[] pages, int at, int bytes) {
        for (int done = 0; done < bytes; ) {
            int from = (at + done) % SIZE;
            int part = Math.min(bytes - done, SIZE - from);
            ModelPage page = pages[(at + done) / SIZE];
            String error = touch(page, Access.WRITE);
            if (error != null || page == null) {
                return error;
            }
            System.arraycopy(scratch, done, page.written(SIZE).bytes, from, part);
            done += part;
        }
        return null;
    }

    private long word(int bytes) {
        return switch (bytes) {
            case 1 -> scratch[0];
            case 4 -> (int) INT.get(scratch, 0);
            default -> (long) LONG.get(scratch, 0);
        };
    }

    private void setWord(int bytes, long value) {
        switch (bytes) {
            case 1 -> scratch[0] = (byte) value;
            case 4 -> INT.set(scratch, 0, (int) value);
            default -> LONG.set(scratch, 0, value);
        }
    }

    private Outcome load(@Nullable ModelPage[] pages, int at, int bytes) {
        String error = load(pages, at, bytes, scratch);
        return error == null ? Outcome.of(word(bytes)) : Outcome.failed(error);
    }

    private Outcome store(@Nullable ModelPage[] pages, int at, int bytes, long value) {
        setWord(bytes, value);
        String error = store(pages, at, bytes);
        return error == null ? Outcome.OK : Outcome.failed(error);
    }

    /**
     * {@return the word at an address, for choosing what a compare-and-set expects; 0 where none can be loaded}
     *
     * @param space the slot of a process
     * @param at a byte
     * @param bytes 4 or 8
     */
    public long peek(int space, int at, int bytes) {
        ModelPage page = page(space, at / SIZE);
        Cell cell = page == null ? null : page.contents();
        if (cell == null || at % SIZE + bytes > SIZE) {
            return 0;
        }
        System.arraycopy(cell.bytes, at % SIZE, scratch, 0, bytes);
        return word(bytes);
    }

    private Outcome compareAndSet(@Nullable ModelPage[] pages, Op.CompareAndSet op) {
        if (op.at() % op.bytes() != 0) {
            return Outcome.failed("EINVAL");
        }
        String error = touch(pages[op.at() / SIZE], Access.WRITE);
        if (error != null) {
            return Outcome.failed(error);
        }
        if (op.hit()) {
            setWord(op.bytes(), op.value());
            store(pages, op.at(), op.bytes());
        }
        return Outcome.of(op.hit() ? 1 : 0);
    }

    private Outcome add(@Nullable ModelPage[] pages, int at, int bytes, long delta) {
        if (at % bytes != 0) {
            return Outcome.failed("EINVAL");
        }
        String error = touch(pages[at / SIZE], Access.WRITE);
        if (error != null) {
            return Outcome.failed(error);
        }
        System.arraycopy(writtenBytes(pages[at / SIZE]), at % SIZE, scratch, 0, bytes);
        long before = word(bytes);
        setWord(bytes, before + delta);
        store(pages, at, bytes);
        return Outcome.of(before);
    }

    private static byte[] writtenBytes(@Nullable ModelPage page) {
        if (page == null) {
            throw new IllegalStateException("a store that was allowed is not mapped");
        }
        return page.written(SIZE).bytes;
    }

    private Outcome read(@Nullable ModelPage[] pages, int at, int bytes) {
        byte[] into = new byte[bytes];
        String error = load(pages, at, bytes, into);
        return error == null ? Outcome.of(into) : Outcome.failed(error);
    }

    private Outcome write(@Nullable ModelPage[] pages, int at, int bytes, long seed) {
        Pattern.fill(scratch, bytes, seed);
        String error = store(pages, at, bytes);
        return error == null ? Outcome.OK : Outcome.failed(error);
    }

    // ---- devices -----------------------------------------------------------------------------------------------

    private static Outcome move(@Nullable ModelPage[] pages, int from, int count, boolean readable) {
        for (int i = from; i < from + count; i++) {
            ModelPage page = pages[i];
            if (page == null || (readable && !page.protection.readable())) {
                return Outcome.failed("EINVAL");
            }
        }
        return Outcome.OK;
    }

    private Outcome deviceRead(@Nullable ModelPage[] pages, int from, int count) {
        byte[] into = new byte[count * SIZE];
        return load(pages, from * SIZE, count * SIZE, into) == null ? Outcome.of(into) : Outcome.failed("EFAULT");
    }

    /** All pages are made writable before anything is written; at which of several bad pages it fails is left open. */
    private Outcome deviceWrite(@Nullable ModelPage[] pages, Op.DeviceWrite op) {
        int end = op.page() + op.pages();
        boolean fault = false;
        boolean permission = false;
        for (int i = op.page(); i < end; i++) {
            ModelPage page = pages[i];
            boolean absent = page == null || !page.protection.readable() || page.guard || page.lost;
            fault |= absent;
            permission |= !absent && page != null && !page.protection.writable();
        }
        if (fault || permission) {
            for (int i = op.page(); i < end; i++) {
                ModelPage page = pages[i];
                if (page != null && allows(page, Access.WRITE)) {
                    page.maybeWritten();
                }
            }
            return Outcome.failed(fault && permission ? "EFAULT|EPERM" : fault ? "EFAULT" : "EPERM");
        }
        Pattern.fill(scratch, op.pages() * SIZE, op.seed());
        store(pages, op.page() * SIZE, op.pages() * SIZE);
        return Outcome.OK;
    }

    private static Outcome exclusive(@Nullable ModelPage[] pages, int from, int count) {
        for (int i = from; i < from + count; i++) {
            ModelPage page = pages[i];
            if (touch(page, Access.WRITE) != null || page == null) {
                return Outcome.failed("EFAULT");
            }
            if (!page.isPrivate()) {
                return Outcome.failed("EOPNOTSUPP");
            }
        }
        return Outcome.OK;
    }

    private Outcome lose(@Nullable ModelPage[] pages, Op.Lose op) {
        for (int space = 0; space < Op.SPACES; space++) {
            for (int i = 0; i < Op.PAGES; i++) {
                ModelPage page = page(space, i);
                if (facts.lost[space][i] && page != null) {
                    page.empty();
                    page.lost = true;
                }
            }
        }
        return move(pages, op.page(), op.pages(), true);
    }

    // ---- references from outside -------------------------------------------------------------------------------

    private Outcome hold(@Nullable ModelPage[] pages, Op.Hold op) {
        @Nullable Cell[] cells = new Cell[op.pages()];
        String error = null;
        boolean elsewhere = false;
        for (int i = 0; i < op.pages() && error == null; i++) {
            ModelPage page = pages[op.page() + i];
            if (touch(page, op.access()) != null || page == null) {
                error = "EFAULT";
            } else {
                Cell before = page.contents();
                elsewhere |= before != null && (before.holders > 0 || before.maybeHeld);
                cells[i] = take(page, op.access(), op.kind(), facts.zeroPage[i]);
            }
        }
        if ("EBUSY".equals(facts.real.error()) && op.kind() == Op.HoldKind.LONG && elsewhere) {
            // Coherent device memory that somebody else holds; how far it came is not told.
            error = "EBUSY";
        }
        if (error != null) {
            put(new Held(cells, op.access(), op.kind()));
            for (int i = 0; i < op.pages() && error.equals("EBUSY"); i++) {
                ModelPage page = pages[op.page() + i];
                if (page != null) {
                    page.maybeWritten();
                }
            }
            return Outcome.failed(error);
        }
        holds[op.hold()] = new Held(cells, op.access(), op.kind());
        return Outcome.OK;
    }

    private static @Nullable Cell take(ModelPage page, Access access, Op.HoldKind kind, boolean zeroPage) {
        Cell cell;
        if (!page.isPrivate()) {
            cell = page.written(SIZE);
        } else {
            boolean unshare =
                    access == Access.READ && kind != Op.HoldKind.GET && !(zeroPage && kind == Op.HoldKind.PIN);
            if (unshare) {
                page.written(SIZE);
            }
            if (page.cell == null && !zeroPage) {
                // Zeros in a page of their own, perhaps shared over a fork.
                page.cell = new Cell(new byte[SIZE], Cell.Own.UNSURE);
            }
            cell = page.cell;
        }
        if (cell != null) {
            cell.holders++;
            cell.pins += kind == Op.HoldKind.GET ? 0 : 1;
        }
        return cell;
    }

    private static void put(Held held) {
        for (Cell cell : held.cells) {
            if (cell != null) {
                cell.holders--;
                cell.pins -= held.kind == Op.HoldKind.GET ? 0 : 1;
            }
        }
    }

    private Held heldIn(int hold) {
        Held held = holds[hold];
        if (held == null) {
            throw new IllegalStateException("nothing is held in slot " + hold);
        }
        return held;
    }

    private Outcome holdRead(int hold) {
        @Nullable Cell[] cells = heldIn(hold).cells;
        byte[] into = new byte[cells.length * SIZE];
        boolean[] unsure = new boolean[cells.length];
        for (int i = 0; i < cells.length; i++) {
            Cell cell = cells[i];
            if (cell != null) {
                System.arraycopy(cell.bytes, 0, into, i * SIZE, SIZE);
                unsure[i] = cell.doubtful;
            }
        }
        return Outcome.of(into, unsure);
    }

    private Outcome holdWrite(int hold, long seed) {
        for (Cell cell : heldIn(hold).cells) {
            if (cell != null) {
                Pattern.fill(scratch, SIZE, seed);
                System.arraycopy(scratch, 0, cell.bytes, 0, SIZE);
            }
        }
        return Outcome.OK;
    }

    private Outcome release(int hold) {
        put(heldIn(hold));
        holds[hold] = null;
        return Outcome.OK;
    }

    // ---- steps that failed because the outside did -------------------------------------------------------------

    /**
     * Takes back what a step that failed in reality would have done for good; contents of pages are looked at one by one.
     *
     * @param op the step that was applied last
     */
    public void undo(Op op) {
        switch (op) {
            case Op.Fork fork -> {
                unmap(pages(fork.child()), 0, Op.PAGES);
                spaces[fork.child()] = null;
            }
            case Op.Hold hold -> {
                if (held(hold.hold())) {
                    release(hold.hold());
                }
            }
            default -> {
                // Rights are given or taken before anything can fail; the rest is bytes.
            }
        }
    }

    /**
     * Gives up what is known of who has the pages of a step for himself.
     *
     * @param op a step during which the outside failed
     */
    public void doubt(Op op) {
        int space = op instanceof Op.OfRange r ? r.space() : op instanceof Op.OfBytes b ? b.space() : -1;
        space = op instanceof Op.Fork fork ? fork.space() : space;
        for (int i = 0; space >= 0 && i < Op.PAGES; i++) {
            ModelPage page = page(space, i);
            if (page != null && page.cell != null && page.cell.mappers == 1 && page.cell.pins == 0) {
                page.cell.own = Cell.Own.UNSURE;
            }
        }
    }

    /**
     * Puts back the bytes that a page had.
     *
     * @param space the slot of a process
     * @param page the page
     * @param bytes what it had
     */
    public void revert(int space, int page, byte[] bytes) {
        ModelPage p = page(space, page);
        Cell cell = p == null ? null : p.contents();
        if (cell != null) {
            System.arraycopy(bytes, 0, cell.bytes, 0, SIZE);
        }
    }
}
