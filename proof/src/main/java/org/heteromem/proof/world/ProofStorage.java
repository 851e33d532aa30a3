package org.heteromem.proof.world;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.policy.PressureHandler;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.devices.storage.CorruptPageException;
import org.heteromem.devices.storage.FaultAround;
import org.heteromem.devices.storage.KeepCopies;
import org.heteromem.devices.storage.Overflow;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.devices.storage.StorageOptions;
import org.heteromem.policy.Policies;
import org.heteromem.proof.op.Op;
import org.jspecify.annotations.Nullable;

/**
 * Homed memory under small budgets, and the storage devices that take what does not fit: memory, a file, compressed memory,
 * in the order in which they are filled. Used by one thread.
 */
final class ProofStorage implements PressureHandler, AutoCloseable {
    private static final int FIRST_LIMIT = 12;
    private static final int RESERVE_SHARE = 8;
    private static final int MOST_AROUND = 4;
    /** The books are compared slot by slot at every so many looks at them. */
    private static final int AUDIT_EVERY = 8;

    private record Store(StorageDevice device, ProofMedia media) {}

    private final MemoryManager manager;
    private final Trouble trouble;
    /** Frames that somebody holds, and the living processes. */
    private final World world;

    private final FrameBudget[] budgets = new FrameBudget[Op.BUDGETS];
    private final List<HomedMemory> homed = new ArrayList<>();
    private final Store[] stores = new Store[Op.STORES];
    private final byte[] page = new byte[Page.SIZE];
    private Overflow overflow;
    private boolean damaged;
    private int checks;

    ProofStorage(World world, MemoryManager manager, Trouble trouble) {
        this.world = world;
        this.manager = manager;
        this.trouble = trouble;
        List<VictimPolicy> victims = Policies.victims();
        for (int i = 0; i < Op.BUDGETS; i++) {
            String name = victims.get(i).name();
            // The first looks which pages are used, too.
            budgets[i] = new FrameBudget(FIRST_LIMIT, 1, Policies.victims(i == 0 ? name + Policies.SAMPLING : name));
        }
        for (int i = 0; i < Op.STORES; i++) {
            stores[i] = store(new ProofMedia(i));
        }
        this.overflow = overflow();
        manager.setPressureHandler(this);
        trouble.ramIsSmall();
    }

    private Store store(ProofMedia media) {
        StorageOptions options = StorageOptions.defaults()
                .withFaultAround(FaultAround.adaptive(MOST_AROUND))
                .withCopies(media.keepsCopies() ? KeepCopies.ALWAYS : KeepCopies.NEVER);
        return new Store(StorageDevice.add(manager, new TroubledPages(media.open(), trouble), options), media);
    }

    private Overflow overflow() {
        return new Overflow(manager, Arrays.stream(stores).map(Store::device).toList());
    }

    StorageDevice device(int store) {
        return stores[store].device;
    }

    // ---- homed memory ------------------------------------------------------------------------------------------

    void mapHomed(AddressSpace space, Op.MapHomed op) {
        removeUnmapped();
        HomedMemory memory =
                manager.addHomedMemory("homed", new ProofStore(op.pages() * (long) Page.SIZE), budgets[op.budget()]);
        try {
            space.mapHomed(World.address(op.page()), memory, Protection.READ_WRITE);
        } catch (MemoryException e) {
            manager.removeHomedMemory(memory);
            throw e;
        }
        homed.add(memory);
    }

    /** Memory that is neither mapped nor used can go, and no other. */
    private void removeUnmapped() {
        for (HomedMemory memory : List.copyOf(homed)) {
            boolean used = world.countPages(view -> memory.contains(view.frame())) > 0;
            try {
                manager.removeHomedMemory(memory);
            } catch (MemoryException e) {
                if (e.errno() != Errno.EBUSY) {
                    throw e;
                }
                continue;
            }
            homed.remove(memory);
            if (used) {
                throw new AssertionError("homed memory went with frames in use");
            }
        }
    }

    void setBudget(Op.Budget op) {
        budgets[op.budget()].setLimit(op.frames(), op.frames() / RESERVE_SHARE);
    }

    /** Frames of homed memory in use, by the budgets. */
    long framesInUse() {
        return Arrays.stream(budgets).mapToLong(FrameBudget::used).sum();
    }

    // ---- moving ------------------------------------------------------------------------------------------------

    void evict(AddressSpace space, Op.Evict op) {
        device(op.store()).evict(space, World.address(op.page()), Page.address(op.pages()));
    }

    void fetch(AddressSpace space, Op.Fetch op) {
        device(op.store()).fetch(space, World.address(op.page()), Page.address(op.pages()));
    }

    void reclaim(Op.Reclaim op) {
        for (HomedMemory memory : homed) {
            device(op.store()).evictFrames(manager.coldFrames(memory, op.pages()));
            watch(memory, op.pages());
        }
        for (MemoryNode node : manager.nodes()) {
            device(op.store()).evictFrames(manager.coldFrames(node, op.pages()));
        }
    }

    /** Whose memory it is does not matter: threads of the model are not stopped at pages that are watched. */
    private void watch(HomedMemory memory, int pages) {
        for (int slot = 0; slot < Op.SPACES; slot++) {
            AddressSpace space = world.spaceOrNull(slot);
            if (space != null) {
                manager.watch(space, memory, pages);
                return;
            }
        }
    }

    void demote(Op.Demote op) {
        if (op.store() != op.target()) {
            device(op.store()).demoteTo(device(op.target()), op.pages());
        }
    }

    // ---- RAM is short ------------------------------------------------------------------------------------------

    @Override
    public long reserve(MemoryNode node) {
        return overflow.reserve(node);
    }

    @Override
    public long relieve(MemoryNode node, long frames) {
        return relieve(FrameDemand.NEW_PAGE, node, frames);
    }

    @Override
    public long relieve(FrameDemand demand, MemoryNode node, long frames) {
        int canGo = node instanceof HomedMemory memory ? canGo(memory) : 0;
        if (node instanceof HomedMemory && canGo == 0) {
            // It would look again for a while, as somebody might let go of a page; here there is nobody else.
            trouble.shortage();
            return 0;
        }
        long refused = refusals();
        long freed = overflow.relieve(demand, node, frames);
        if (freed == 0 && refusals() > refused) {
            // Slots are address space, not capacity: compressed memory can be full of pages that do not compress.
            trouble.shortage();
        }
        if (freed == 0 && canGo > 0 && !trouble.happened()) {
            throw new AssertionError("no room was made though " + canGo + " pages could go");
        }
        return freed;
    }

    private long refusals() {
        return Arrays.stream(stores)
                .mapToLong(store -> store.device.statistics().fullRefusals())
                .sum();
    }

    /** How many pages could leave; none if there is nowhere to go. */
    private int canGo(HomedMemory memory) {
        boolean room = false;
        for (Store store : stores) {
            room |= store.device.freeSlots() > 0;
        }
        return room
                ? world.countPages(view -> view.kind() == PageKind.PRESENT
                        && view.references() == view.mappings()
                        && homed.stream()
                                .anyMatch(other -> other.budget() == memory.budget() && other.contains(view.frame())))
                : 0;
    }

    // ---- damage ------------------------------------------------------------------------------------------------

    /** Whether any page was ever damaged. */
    boolean damaged() {
        return damaged;
    }

    /** The frame of a page that cannot be read from now on, or -1. */
    long damage(AddressSpace space, Op.Damage op) {
        Store store = stores[op.store()];
        PageView view = Inspector.pages(space, World.address(op.page()), 1)[0];
        if (!onDevice(store.device, view) || !readable(view)) {
            return -1;
        }
        int slot = store.device.slotOf(view.frame());
        if (!store.media.damage(slot)) {
            return -1;
        }
        if (readable(view)) {
            throw new AssertionError("a damaged page of " + store.device.name() + " is read as if nothing were wrong");
        }
        damaged = true;
        return view.frame();
    }

    private static boolean onDevice(StorageDevice device, PageView view) {
        return view.kind() == PageKind.DEVICE_PRIVATE && device.memory().contains(view.frame());
    }

    /** Whether contents can be read, and then what they are. */
    boolean readable(PageView view) {
        MemoryManager.FrameLocation at = manager.locate(view.frame());
        try {
            trouble.spare(() -> at.store().read(at.offset(), MemorySegment.ofArray(page), 0, Page.SIZE));
            return true;
        } catch (CorruptPageException e) {
            return false;
        }
    }

    boolean holds(PageView view, byte @Nullable [] bytes) {
        return readable(view) && (bytes == null ? isZero() : Arrays.equals(page, bytes));
    }

    private boolean isZero() {
        for (byte b : page) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    // ---- after a sudden end ------------------------------------------------------------------------------------

    /**
     * What a device held is found by a successor: only the store and whoever knows the slots have survived. A device with pages
     * that several processes share, which nobody could map again, or of locked areas, which cannot be emptied, is left alone.
     */
    void restart(int which, boolean[][] restored) {
        Store old = stores[which];
        BitSet used = new BitSet();
        int[][] slots = new int[Op.SPACES][Op.PAGES];
        for (int slot = 0; slot < Op.SPACES; slot++) {
            Arrays.fill(slots[slot], StorageDevice.NO_SLOT);
            AddressSpace space = world.spaceOrNull(slot);
            if (space != null) {
                PageView[] views = Inspector.pages(space, World.BASE, Op.PAGES);
                for (int i = 0; i < Op.PAGES; i++) {
                    if (onDevice(old.device, views[i])) {
                        slots[slot][i] = old.device.slotOf(views[i].frame());
                        Area area = space.areaAt(World.address(i));
                        if (used.get(slots[slot][i]) || area == null || area.locked()) {
                            return;
                        }
                        used.set(slots[slot][i]);
                    }
                }
            }
        }
        ProofMedia left = old.media.asLeftNow();
        if (!used.isEmpty()) {
            mustBeBusy(old.device);
        }
        forEachPage(slots, (space, i) -> space.advise(World.address(i), Page.SIZE, Advice.DONTNEED));
        manager.removeDevice(old.device.memory());
        retired.add(old.media);
        Store successor = store(left);
        stores[which] = successor;
        overflow = overflow();
        long kept = successor.device.recover(slot -> used.get((int) slot));
        if (kept != used.cardinality()) {
            throw new AssertionError(successor.device.name() + " kept " + kept + " pages of " + used.cardinality());
        }
        forEachPage(slots, (space, i) -> {
            int[] one = {slots[world.slotOf(space)][i]};
            if (successor.device.restore(space, World.address(i), one) != 1) {
                throw new AssertionError("page " + i + " was not restored");
            }
            restored[world.slotOf(space)][i] = true;
        });
    }

    private final List<ProofMedia> retired = new ArrayList<>();

    private interface PerPage {
        void run(AddressSpace space, int page);
    }

    private void forEachPage(int[][] slots, PerPage action) {
        for (int slot = 0; slot < Op.SPACES; slot++) {
            AddressSpace space = world.spaceOrNull(slot);
            for (int i = 0; space != null && i < Op.PAGES; i++) {
                if (slots[slot][i] != StorageDevice.NO_SLOT) {
                    action.run(space, i);
                }
            }
        }
    }

    private void mustBeBusy(StorageDevice device) {
        try {
            manager.removeDevice(device.memory());
        } catch (MemoryException e) {
            if (e.errno() == Errno.EBUSY) {
                return;
            }
            throw e;
        }
        throw new AssertionError(device.name() + " went with pages on it");
    }

    // ---- books -------------------------------------------------------------------------------------------------

    /** Null, or what is wrong with what the devices note of themselves. */
    @Nullable
    String check() {
        for (Store store : stores) {
            StorageDevice device = store.device;
            long live = device.memory().liveReferences();
            long slots = device.memory().frames() - device.freeSlots();
            long held = 0;
            for (int slot = 0; slot < device.memory().frames(); slot++) {
                held += device.store().holds(Page.address(slot)) ? 1 : 0;
            }
            if (live != slots || held != live) {
                return device.name() + " with " + live + " frames in use, " + slots + " slots taken, " + held
                        + " pages stored";
            }
            if (live == 0 && device.store().bytesUsed() != 0) {
                return device.name() + " with " + device.store().bytesUsed() + " bytes in use for no page";
            }
            List<String> wrong = checks % AUDIT_EVERY == 0 ? device.audit() : List.of();
            if (!wrong.isEmpty()) {
                return device.name() + " with books that do not agree: " + wrong;
            }
        }
        checks++;
        return null;
    }

    long storedPages() {
        return Arrays.stream(stores)
                .mapToLong(store -> store.device.memory().liveReferences())
                .sum();
    }

    /** After the manager. */
    @Override
    public void close() {
        for (Store store : stores) {
            store.media.close();
        }
        retired.forEach(ProofMedia::close);
    }
}
