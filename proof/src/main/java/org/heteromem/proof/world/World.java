package org.heteromem.proof.world;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Cpu;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.RemapMode;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.inspect.Violation;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.proof.op.Facts;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.Outcome;
import org.heteromem.proof.op.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A small machine: two nodes, two private and two coherent devices, processes with a window of {@link Op#PAGES} pages that
 * crosses from one page-table leaf to the next. Used by one thread.
 */
public final class World implements AutoCloseable {
    /** First address of the window; the middle of it is a multiple of 2 MiB. */
    static final long BASE = Page.address((1L << 21) - Op.PAGES / 2);
    /** How many devices there are; the first half is private, the other coherent. */
    public static final int DEVICES = 4;
    /** How many nodes of RAM there are. */
    public static final int NODES = 2;

    private static final int NODE_PAGES = 320;
    private static final int DEVICE_PAGES = 40;
    private static final int MOST_FAULTS = 16;

    private final MemoryManager manager;
    private final Trouble trouble;
    private final Object copier = new Object();
    private final List<ProofDevice> devices = new ArrayList<>();
    private final @Nullable AddressSpace[] spaces = new AddressSpace[Op.SPACES];
    private final @Nullable Cpu[] cpus = new Cpu[Op.SPACES];
    private final @Nullable PageReferences[] holds = new PageReferences[Op.HOLDS];
    private final byte[] buffer = new byte[Op.PAGES * Page.SIZE];
    private final MemorySegment segment = MemorySegment.ofArray(buffer);
    private @Nullable ProofStorage storage;

    /**
     * Makes a machine with one empty process.
     *
     * @param trouble the faults to inject
     * @param events who hears of events, or null
     */
    public World(Trouble trouble, @Nullable EventSink events) {
        this.trouble = trouble;
        MemoryManager.Builder builder = MemoryManager.builder();
        for (int i = 0; i < NODES; i++) {
            builder.node(new ProofStore(NODE_PAGES * (long) Page.SIZE));
        }
        if (events != null) {
            builder.events(events);
        }
        if (trouble.possible()) {
            builder.allocationGate(trouble::mayAllocate);
        }
        this.manager = builder.build();
        for (int i = 0; i < DEVICES; i++) {
            devices.add(plug(i));
        }
        enter(0, manager.createAddressSpace());
    }

    private ProofDevice plug(int device) {
        DeviceKind kind = device < DEVICES / 2 ? DeviceKind.PRIVATE : DeviceKind.COHERENT;
        return new ProofDevice(manager, "device" + device, kind, DEVICE_PAGES, trouble);
    }

    static long address(int page) {
        return BASE + page * (long) Page.SIZE;
    }

    static int page(long address) {
        return (int) Page.of(address - BASE);
    }

    private void enter(int slot, AddressSpace space) {
        spaces[slot] = space;
        cpus[slot] = space.newCpu();
    }

    @Nullable
    AddressSpace spaceOrNull(int slot) {
        return spaces[slot];
    }

    int slotOf(AddressSpace space) {
        return Arrays.asList(spaces).indexOf(space);
    }

    /** What few worlds need is made when it is needed first. */
    private ProofStorage storage() {
        ProofStorage made = storage;
        if (made == null) {
            made = new ProofStorage(this, manager, trouble);
            storage = made;
        }
        return made;
    }

    private AddressSpace space(int slot) {
        AddressSpace space = spaces[slot];
        if (space == null) {
            throw new IllegalStateException("no process in slot " + slot);
        }
        return space;
    }

    private Cpu cpu(int slot) {
        Cpu cpu = cpus[slot];
        if (cpu == null) {
            throw new IllegalStateException("no process in slot " + slot);
        }
        return cpu;
    }

    // ---- steps -------------------------------------------------------------------------------------------------

    /**
     * Does a step.
     *
     * @param op a step that means something now
     * @param expected for a compare-and-set, the value that is there
     * @param facts filled with what a model is to be told
     * @return what came out
     */
    public Outcome apply(Op op, long expected, Facts facts) {
        facts.clear();
        Outcome outcome;
        try {
            outcome = run(op, expected, facts);
        } catch (AccessException e) {
            outcome = Outcome.failed(e.signal().name());
        } catch (MemoryExhaustedException e) {
            outcome = Outcome.failed(Outcome.EXHAUSTED);
        } catch (MemoryException e) {
            outcome = Outcome.failed(e.errno().name());
        } catch (Trouble.InjectedException e) {
            outcome = Outcome.failed("INJECTED");
        }
        facts.real = outcome;
        if (storage != null && storage.damaged()) {
            forEachPage((slot, page, view) -> facts.gone[slot][page] = view.kind() == PageKind.LOST);
        }
        return outcome;
    }

    private static long bytes(int pages) {
        return pages * (long) Page.SIZE;
    }

    private Outcome run(Op op, long expected, Facts facts) {
        switch (op) {
            case Op.Map o -> space(o.space()).mapAt(address(o.page()), bytes(o.pages()), o.protection(), o.sharing());
            case Op.Unmap o -> space(o.space()).unmap(address(o.page()), bytes(o.pages()));
            case Op.Protect o -> space(o.space()).protect(address(o.page()), bytes(o.pages()), o.protection());
            case Op.Remap o -> remap(o, facts);
            case Op.Advise o -> space(o.space()).advise(address(o.page()), bytes(o.pages()), o.advice());
            case Op.Lock o -> space(o.space()).lock(address(o.page()), bytes(o.pages()));
            case Op.Unlock o -> space(o.space()).unlock(address(o.page()), bytes(o.pages()));
            case Op.Fork o -> enter(o.child(), space(o.space()).fork());
            case Op.Exit o -> exit(o.space());
            case Op.Load o -> {
                return load(cpu(o.space()), BASE + o.at(), o.bytes());
            }
            case Op.Store o -> store(cpu(o.space()), BASE + o.at(), o.bytes(), o.value());
            case Op.CompareAndSet o -> {
                return compareAndSet(o, o.hit() ? expected : expected + 1);
            }
            case Op.Add o -> {
                return Outcome.of(
                        o.bytes() == Integer.BYTES
                                ? cpu(o.space()).getAndAddInt(BASE + o.at(), (int) o.delta())
                                : cpu(o.space()).getAndAddLong(BASE + o.at(), o.delta()));
            }
            case Op.Read o -> {
                byte[] into = new byte[o.bytes()];
                cpu(o.space()).read(BASE + o.at(), MemorySegment.ofArray(into), 0, o.bytes());
                return Outcome.of(into);
            }
            case Op.Write o -> {
                Pattern.fill(buffer, o.bytes(), o.seed());
                cpu(o.space()).write(BASE + o.at(), segment, 0, o.bytes());
            }
            case Op.Fault o -> {
                return fault(space(o.space()), address(o.page()), o.access());
            }
            case Op.DeviceRead o -> {
                return Outcome.of(devices.get(o.device()).read(space(o.space()), o.page(), o.pages()));
            }
            case Op.DeviceWrite o -> {
                Pattern.fill(buffer, o.pages() * Page.SIZE, o.seed());
                devices.get(o.device()).write(space(o.space()), o.page(), o.pages(), buffer);
            }
            case Op.Exclusive o -> devices.get(o.device()).makeExclusive(space(o.space()), o.page(), o.pages());
            case Op.ToDevice o -> devices.get(o.device()).toDevice(space(o.space()), o.page(), o.pages());
            case Op.ToDeviceAtOnce o -> devices.get(o.device()).toDeviceAtOnce(space(o.space()), o.page(), o.pages());
            case Op.Snapshot o -> {
                return Outcome.of(devices.get(o.device()).snapshot(space(o.space()), o.page(), o.pages()));
            }
            case Op.ToRam o -> devices.get(o.device()).toRam(space(o.space()), o.page(), o.pages());
            case Op.ToNode o -> toNode(o);
            case Op.EvictDevice o -> {
                ProofDevice device = devices.get(o.device());
                byFrame(device.memory.firstFrame(), device.memory.frames(), o.from(), o.count(), null);
            }
            case Op.EvictNode o -> {
                MemoryNode node = manager.nodes().get(o.node());
                MemoryNode other = manager.nodes().get(1 - o.node());
                byFrame(node.firstFrame(), node.frames(), o.from(), o.count(), other);
            }
            case Op.Replug o -> replug(o.device());
            case Op.Lose o ->
                devices.get(o.device()).lose(space(o.space()), o.page(), o.pages(), frame -> lost(frame, facts));
            case Op.Hold o -> hold(o, facts);
            case Op.HoldRead o -> {
                return holdRead(held(o.hold()));
            }
            case Op.HoldWrite o -> {
                Pattern.fill(buffer, Page.SIZE, o.seed());
                PageReferences held = held(o.hold());
                for (int i = 0; i < held.pages(); i++) {
                    held.write(i, 0, segment, 0, Page.SIZE);
                }
            }
            case Op.Release o -> {
                held(o.hold()).close();
                holds[o.hold()] = null;
            }
            case Op.MapHomed o -> storage().mapHomed(space(o.space()), o);
            case Op.Budget o -> storage().setBudget(o);
            case Op.Evict o -> storage().evict(space(o.space()), o);
            case Op.Fetch o -> storage().fetch(space(o.space()), o);
            case Op.Reclaim o -> storage().reclaim(o);
            case Op.Demote o -> storage().demote(o);
            case Op.Restart o -> storage().restart(o.store(), facts.restored);
            case Op.Damage o -> {
                long frame = storage().damage(space(o.space()), o);
                if (frame >= 0) {
                    lost(frame, facts);
                }
            }
        }
        return Outcome.OK;
    }

    private void remap(Op.Remap o, Facts facts) {
        AddressSpace space = space(o.space());
        if (o.mode() == RemapMode.KEEP_SOURCE) {
            for (Area area : space.areas()) {
                sameArea(area, o, facts);
            }
        }
        space.remap(address(o.page()), bytes(o.pages()), address(o.target()), o.mode());
    }

    /** Pages of an area from which a range is moved; what lies beyond the target is cut off from them first. */
    private static void sameArea(Area area, Op.Remap o, Facts facts) {
        int start = page(area.address());
        int end = page(area.address() + area.length());
        int from = Math.max(start, o.page());
        int to = Math.min(end, o.page() + o.pages());
        if (from >= to) {
            return;
        }
        int shift = o.target() - o.page();
        for (int i = from; i >= start && i != to + shift - 1; i--) {
            facts.sameArea[i] = true;
        }
        for (int i = from; i < end && i != from + shift; i++) {
            facts.sameArea[i] = true;
        }
    }

    private void exit(int slot) {
        AddressSpace space = space(slot);
        space.exit();
        cpu(slot).close();
        devices.forEach(device -> device.forget(space));
        spaces[slot] = null;
        cpus[slot] = null;
    }

    private static Outcome load(Cpu cpu, long address, int bytes) {
        return Outcome.of(
                switch (bytes) {
                    case 1 -> cpu.loadByte(address);
                    case 4 -> cpu.loadInt(address);
                    default -> cpu.loadLong(address);
                });
    }

    private static void store(Cpu cpu, long address, int bytes, long value) {
        switch (bytes) {
            case 1 -> cpu.storeByte(address, (byte) value);
            case 4 -> cpu.storeInt(address, (int) value);
            default -> cpu.storeLong(address, value);
        }
    }

    private Outcome compareAndSet(Op.CompareAndSet o, long expected) {
        boolean done = o.bytes() == Integer.BYTES
                ? cpu(o.space()).compareAndSetInt(BASE + o.at(), (int) expected, (int) o.value())
                : cpu(o.space()).compareAndSetLong(BASE + o.at(), expected, o.value());
        return Outcome.of(done ? 1 : 0);
    }

    /** Faults until the access would go through: one who does not execute the process would try it in between. */
    private Outcome fault(AddressSpace space, long address, Access access) {
        for (int i = 0; i < MOST_FAULTS; i++) {
            switch (space.fault(address, access)) {
                case FaultResult.Done(FaultKind kind) -> {
                    if (kind != FaultKind.DEVICE_PAGE && kind != FaultKind.EXCLUSIVE) {
                        return Outcome.OK;
                    }
                }
                case FaultResult.Segv segv -> {
                    return Outcome.failed("SEGV");
                }
                case FaultResult.Bus bus -> {
                    return Outcome.failed("BUS");
                }
                case FaultResult.NoMemory(MemoryNode node, FrameDemand demand) -> {
                    // Who asks for a fault makes the room for it.
                    if (storage == null || storage.relieve(demand, node, 1) == 0) {
                        return Outcome.failed(Outcome.EXHAUSTED);
                    }
                }
                case FaultResult.NoProgress none -> {
                    return Outcome.failed("STUCK");
                }
                case FaultResult.Wait wait -> {
                    return Outcome.failed("WAIT");
                }
            }
        }
        return Outcome.failed("STUCK");
    }

    private void replug(int which) {
        ProofDevice device = devices.get(which);
        boolean used = device.memory.liveReferences() > 0;
        try {
            manager.removeDevice(device.memory);
        } catch (MemoryException e) {
            if (used && e.errno() == Errno.EBUSY) {
                return;
            }
            throw e;
        }
        if (used) {
            throw new AssertionError(device.memory.name() + " went with pages on it");
        }
        device.unplugged();
        devices.set(which, plug(which));
    }

    private void toNode(Op.ToNode o) {
        MemoryNode node = manager.nodes().get(o.node());
        ProofDevice.perArea(space(o.space()), o.page(), o.pages(), false, (address, length) -> {
            try (Migration m =
                    Migration.setup(space(o.space()), address, length, Set.of(Migration.Select.SYSTEM), copier)) {
                copyTo(m, node);
            }
        });
    }

    private void copyTo(Migration m, @Nullable MemoryNode node) {
        for (int i = 0; i < m.pages(); i++) {
            if (m.sources().movable(i) && (node == null ? m.allocateRam(i) : m.allocateRam(i, node))) {
                trouble.beforeCopy();
                m.copy(i);
            }
        }
        m.migrate();
    }

    private void byFrame(long first, long frames, int from, int count, @Nullable MemoryNode to) {
        long start = first + Math.min(from, frames);
        long end = Math.min(first + frames, start + count);
        try (Migration m =
                Migration.ofFrames(manager, LongStream.range(start, end).toArray())) {
            copyTo(m, to);
        }
    }

    private void lost(long frame, Facts facts) {
        forEachPage((slot, page, view) -> facts.lost[slot][page] |= view.frame() == frame);
    }

    private interface PageVisitor {
        void page(int slot, int page, PageView view);
    }

    private void forEachPage(PageVisitor visitor) {
        for (int slot = 0; slot < Op.SPACES; slot++) {
            AddressSpace space = spaces[slot];
            if (space != null) {
                PageView[] views = Inspector.pages(space, BASE, Op.PAGES);
                for (int i = 0; i < Op.PAGES; i++) {
                    visitor.page(slot, i, views[i]);
                }
            }
        }
    }

    int countPages(Predicate<PageView> which) {
        int[] count = {0};
        forEachPage((slot, page, view) -> count[0] += which.test(view) ? 1 : 0);
        return count[0];
    }

    // ---- references --------------------------------------------------------------------------------------------

    private PageReferences held(int hold) {
        PageReferences held = holds[hold];
        if (held == null) {
            throw new IllegalStateException("nothing is held in slot " + hold);
        }
        return held;
    }

    private void hold(Op.Hold o, Facts facts) {
        AddressSpace space = space(o.space());
        long address = address(o.page());
        PageReferences held = switch (o.kind()) {
            case GET -> Pins.get(space, address, o.pages(), o.access());
            case PIN -> Pins.pin(space, address, o.pages(), o.access());
            case LONG -> Pins.pinLongTerm(space, address, o.pages(), o.access());
        };
        holds[o.hold()] = held;
        for (int i = 0; i < held.pages(); i++) {
            facts.zeroPage[i] = held.frame(i) == manager.zeroFrame();
        }
    }

    private static Outcome holdRead(PageReferences held) {
        byte[] into = new byte[held.pages() * Page.SIZE];
        MemorySegment target = MemorySegment.ofArray(into);
        for (int i = 0; i < held.pages(); i++) {
            held.read(i, 0, target, bytes(i), Page.SIZE);
        }
        return Outcome.of(into);
    }

    // ---- looking without touching ------------------------------------------------------------------------------

    /**
     * {@return what each page of a process is now}
     *
     * @param slot the process's slot
     */
    public PageView[] look(int slot) {
        return Inspector.pages(space(slot), BASE, Op.PAGES);
    }

    /**
     * {@return whether a step that goes by frames concerns a page}
     *
     * @param op such a step: of a device's or a node's frames, or of what is held
     * @param view the page
     */
    public boolean concerns(Op op, PageView view) {
        long frame = view.frame();
        return switch (op) {
            case Op.EvictDevice o -> {
                long at = frame - devices.get(o.device()).memory.firstFrame() - o.from();
                yield at >= 0
                        && at < o.count()
                        && devices.get(o.device()).memory.contains(frame);
            }
            case Op.EvictNode o -> {
                MemoryNode node = manager.nodes().get(o.node());
                long at = frame - node.firstFrame() - o.from();
                yield at >= 0 && at < o.count() && frame < node.firstFrame() + node.frames();
            }
            case Op.Replug o -> devices.get(o.device()).memory.contains(frame);
            case Op.HoldRead o -> holds(held(o.hold()), frame);
            case Op.HoldWrite o -> holds(held(o.hold()), frame);
            case Op.Release o -> holds(held(o.hold()), frame);
            default -> false;
        };
    }

    private static boolean holds(PageReferences held, long frame) {
        for (int i = 0; i < held.pages(); i++) {
            if (held.frame(i) == frame) {
                return true;
            }
        }
        return false;
    }

    /**
     * {@return how many pages a process is charged for}
     *
     * @param slot the process's slot
     */
    public long residentPages(int slot) {
        return Inspector.anonymousPages(space(slot)) + Inspector.sharedPages(space(slot));
    }

    /**
     * {@return the areas of a process}
     *
     * @param slot the process's slot
     */
    public List<Area> areas(int slot) {
        return space(slot).areas();
    }

    /**
     * {@return the page of the window at an address}
     *
     * @param area an area
     */
    public static int firstPage(Area area) {
        return page(area.address());
    }

    /**
     * {@return whether a page that has a frame holds certain bytes}
     *
     * @param view the page
     * @param bytes a page of bytes, or null for zeros
     */
    public boolean holds(PageView view, byte @Nullable [] bytes) {
        MemoryManager.FrameLocation at = manager.locate(view.frame());
        MemorySegment chunk = at.store().segment(at.offset());
        if (chunk == null) {
            return storage().holds(view, bytes);
        }
        long offset = at.offset() & (at.store().chunkBytes() - 1);
        MemorySegment expected = bytes == null ? ZEROS : MemorySegment.ofArray(bytes);
        return MemorySegment.mismatch(chunk, offset, offset + Page.SIZE, expected, 0, Page.SIZE) < 0;
    }

    private static final MemorySegment ZEROS =
            MemorySegment.ofArray(new byte[Page.SIZE]).asReadOnly();

    /** {@return what is unsound, devices' tables included} */
    public List<Violation> check() {
        StateChecker checker = StateChecker.of(manager);
        for (PageReferences held : holds) {
            if (held != null) {
                checker.holding(held);
            }
        }
        devices.forEach(device -> checker.mirror(device, device));
        return checker.check();
    }

    /**
     * {@return whether the contents of a page on a device can be read}
     *
     * @param view the page
     */
    public boolean readable(PageView view) {
        return storage().readable(view);
    }

    /** {@return whether there are storage devices, and RAM that can be full} */
    public boolean hasStorage() {
        return storage != null;
    }

    /** {@return null, or what is wrong with the books of storage devices} */
    public @Nullable String storageTrouble() {
        return storage == null ? null : storage.check();
    }

    /** {@return the name of a device whose own list of frames disagrees with the core, or null} */
    public @Nullable String disagreeingDevice() {
        for (ProofDevice device : devices) {
            if (!device.agrees()) {
                return device.memory.name();
            }
        }
        return null;
    }

    /** {@return the frames in use that nothing accounts for, once every process is gone and nothing is held} */
    public long leakedFrames() {
        long leaked = -1;
        for (MemoryNode node : manager.nodes()) {
            leaked += node.frames() - node.freeFrames();
        }
        for (ProofDevice device : devices) {
            leaked += device.memory.liveReferences();
        }
        return storage == null ? leaked : leaked + storage.framesInUse() + storage.storedPages();
    }

    @Override
    public void close() {
        for (PageReferences held : holds) {
            if (held != null) {
                held.close();
            }
        }
        manager.close();
        if (storage != null) {
            storage.close();
        }
    }
}
