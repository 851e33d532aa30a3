package org.heteromem.proof.world;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.migrate.MigrationOperations;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.mirror.ExclusiveAccess;
import org.heteromem.core.mirror.MirrorEntry;
import org.heteromem.core.mirror.RangeFault;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.world.ProofMirror.Right;

/**
 * A device whose accesses succeed exactly where a program may: a page of its own that it has read-only is brought home and
 * asked for again. So a model need not know where pages are. Used by one thread.
 */
final class ProofDevice implements DeviceDriver, MirrorView {
    /** What a fault brings home beside the page touched. */
    private static final int NEIGHBOURS = 2;

    private final MemoryManager manager;
    final DeviceMemory memory;
    private final Trouble trouble;
    private final Select own;
    private final BitSet used = new BitSet();
    private final Map<AddressSpace, ProofMirror> mirrors = new LinkedHashMap<>();

    ProofDevice(MemoryManager manager, String name, DeviceKind kind, int pages, Trouble trouble) {
        this.manager = manager;
        this.trouble = trouble;
        this.own = kind == DeviceKind.PRIVATE ? Select.DEVICE_PRIVATE : Select.DEVICE_COHERENT;
        this.memory = manager.addDevice(
                new DeviceMemory.Spec(name, kind, this, new ProofStore(pages * (long) Page.SIZE)), this);
    }

    private ProofMirror mirror(AddressSpace space) {
        return mirrors.computeIfAbsent(space, s -> new ProofMirror(s, this));
    }

    /** Closes what the device has of a process that is gone. */
    void forget(AddressSpace space) {
        ProofMirror mirror = mirrors.remove(space);
        if (mirror != null) {
            mirror.close();
        }
    }

    /** Closes what the device has, after its memory was removed. */
    void unplugged() {
        mirrors.values().forEach(ProofMirror::close);
    }

    @Override
    public void forEach(Visitor visitor) {
        mirrors.values().forEach(mirror -> mirror.forEach(visitor));
    }

    // ---- frames ------------------------------------------------------------------------------------------------

    private boolean allocate(Migration migration, int i) {
        int free = used.nextClearBit(0);
        if (free >= memory.frames() || trouble.deviceFull()) {
            return false;
        }
        used.set(free);
        memory.initFrame(memory.firstFrame() + free);
        migration.setDestination(i, memory.firstFrame() + free);
        return true;
    }

    @Override
    public void frameFreed(DeviceMemory from, long frame) {
        used.clear((int) (frame - memory.firstFrame()));
    }

    /** {@return whether the driver's own list of frames agrees with the core's count} */
    boolean agrees() {
        return used.cardinality() == memory.liveReferences();
    }

    // ---- coming home -------------------------------------------------------------------------------------------

    @Override
    public DriverResult migrateToRam(DeviceFault fault) {
        DriverResult wrong = trouble.insteadOfBringingHome();
        if (wrong != null) {
            return wrong;
        }
        long end = Math.min(fault.areaEnd(), fault.address() + NEIGHBOURS * (long) Page.SIZE);
        end = Math.min(end, World.address(Op.PAGES));
        DriverResult result = DriverResult.DONE;
        try (Migration migration = Migration.forFault(fault, fault.address(), end - fault.address())) {
            if (migration.sources().movable(0) && !bringHome(migration)) {
                result = DriverResult.NO_MEMORY;
            }
            finish(migration, fault.space());
        }
        return result;
    }

    /** {@return whether there was a frame for the first page that can move} */
    private boolean bringHome(Migration migration) {
        boolean first = true;
        boolean got = true;
        for (int i = 0; i < migration.pages(); i++) {
            if (migration.sources().movable(i) && !migration.sources().hole(i)) {
                if (migration.allocateRam(i)) {
                    trouble.beforeCopy();
                    migration.copy(i);
                } else if (first) {
                    got = false;
                }
                first = false;
            }
        }
        return got;
    }

    private void finish(Migration migration, AddressSpace space) {
        migration.migrate();
        ProofMirror mirror = mirrors.get(space);
        for (int i = 0; mirror != null && i < migration.pages(); i++) {
            if (migration.migrated(i)) {
                mirror.forget(World.page(migration.sources().address(i)));
            }
        }
    }

    // ---- moving ------------------------------------------------------------------------------------------------

    /** Does something to each area that a range meets. */
    interface PerArea {
        void run(long address, long length);
    }

    /** Area by area; EINVAL at what is not mapped, or not readable if that is asked. */
    static void perArea(AddressSpace space, int page, int pages, boolean readable, PerArea action) {
        long at = World.address(page);
        long end = World.address(page + pages);
        for (Area area : space.areas()) {
            long areaEnd = area.address() + area.length();
            if (areaEnd <= at) {
                continue;
            }
            if (area.address() > at || (readable && !area.protection().readable())) {
                break;
            }
            long stop = Math.min(end, areaEnd);
            action.run(at, stop - at);
            at = stop;
            if (at == end) {
                return;
            }
        }
        throw new MemoryException(Errno.EINVAL, "nothing to move at 0x" + Long.toHexString(at));
    }

    void toDevice(AddressSpace space, int page, int pages) {
        ProofMirror mirror = mirror(space);
        perArea(space, page, pages, true, (address, length) -> {
            try (Migration m = Migration.setup(space, address, length, Set.of(Select.SYSTEM), this)) {
                for (int i = 0; i < m.pages(); i++) {
                    if (m.sources().movable(i) && allocate(m, i)) {
                        trouble.beforeCopy();
                        m.copy(i);
                    }
                }
                m.migrate();
                show(m, mirror);
            }
        });
    }

    private static void show(Migration m, ProofMirror mirror) {
        for (int i = 0; i < m.pages(); i++) {
            if (m.migrated(i)) {
                // Of a hole the driver does not know what the process may do with it.
                boolean write = m.sources().writable(i);
                mirror.set(World.page(m.sources().address(i)), m.destination(i), write ? Right.WRITE : Right.READ);
            }
        }
    }

    /** As {@link #toDevice}, by the face with two callbacks. */
    void toDeviceAtOnce(AddressSpace space, int page, int pages) {
        ProofMirror mirror = mirror(space);
        MigrationOperations operations = new MigrationOperations() {
            @Override
            public void allocateAndCopy(SourceEntries sources, Migration migration) {
                for (int i = 0; i < migration.pages(); i++) {
                    if (sources.movable(i)) {
                        allocate(migration, i);
                    }
                }
                trouble.beforeCopy();
                migration.copyAll();
            }

            @Override
            public void finalizeAndMap(SourceEntries sources, Migration migration) {
                show(migration, mirror);
            }
        };
        perArea(
                space,
                page,
                pages,
                true,
                (address, length) -> Migration.run(space, address, length, Set.of(Select.SYSTEM), this, operations));
    }

    /** What the device could reach of a range without a fault. */
    byte[] snapshot(AddressSpace space, int page, int pages) {
        long[] entries = RangeFault.snapshot(space, this, World.address(page), pages);
        byte[] seen = new byte[3 * pages];
        for (int i = 0; i < pages; i++) {
            seen[3 * i] = (byte) (MirrorEntry.error(entries[i]) ? 1 : 0);
            seen[3 * i + 1] = (byte) (MirrorEntry.valid(entries[i]) ? 1 : 0);
            seen[3 * i + 2] = (byte) (MirrorEntry.writable(entries[i]) ? 1 : 0);
        }
        return seen;
    }

    void toRam(AddressSpace space, int page, int pages) {
        perArea(space, page, pages, true, (address, length) -> {
            try (Migration m = Migration.setup(space, address, length, Set.of(own), this)) {
                bringHome(m);
                finish(m, space);
            }
        });
    }

    /** Loses what the device has of a range; tells of each frame before. */
    void lose(AddressSpace space, int page, int pages, LongConsumer lost) {
        ProofMirror mirror = mirror(space);
        perArea(space, page, pages, true, (address, length) -> {
            try (Migration m = Migration.setup(space, address, length, Set.of(own), this)) {
                for (int i = 0; i < m.pages(); i++) {
                    if (m.sources().movable(i) && !m.sources().hole(i)) {
                        lost.accept(m.sources().frame(i));
                        m.markLost(i);
                        mirror.forget(World.page(m.sources().address(i)));
                    }
                }
                m.migrate();
            }
        });
    }

    // ---- access ------------------------------------------------------------------------------------------------

    byte[] read(AddressSpace space, int page, int pages) {
        ProofMirror mirror = mirror(space);
        reach(mirror, page, pages, Access.READ);
        byte[] into = new byte[pages * Page.SIZE];
        MemorySegment target = MemorySegment.ofArray(into);
        for (int i = 0; i < pages; i++) {
            MemoryManager.FrameLocation at = manager.locate(mirror.frame(page + i));
            at.store().read(at.offset(), target, i * (long) Page.SIZE, Page.SIZE);
        }
        return into;
    }

    void write(AddressSpace space, int page, int pages, byte[] bytes) {
        ProofMirror mirror = mirror(space);
        reach(mirror, page, pages, Access.WRITE);
        MemorySegment source = MemorySegment.ofArray(bytes);
        for (int i = 0; i < pages; i++) {
            MemoryManager.FrameLocation at = manager.locate(mirror.frame(page + i));
            at.store().write(at.offset(), source, i * (long) Page.SIZE, Page.SIZE);
        }
    }

    private static int missing(ProofMirror mirror, int page, int pages, Access access) {
        for (int i = page; i < page + pages; i++) {
            Right right = mirror.right(i);
            if (right == Right.NONE || (access == Access.WRITE && right == Right.READ)) {
                return i;
            }
        }
        return -1;
    }

    private void reach(ProofMirror mirror, int page, int pages, Access access) {
        for (int round = 0; round < 2 * pages + 2; round++) {
            int first = missing(mirror, page, pages, access);
            if (first < 0) {
                return;
            }
            int refused = fault(mirror, first, page + pages - first, access);
            if (refused >= 0) {
                // A page of one's own that is read-only stays so until it has been home.
                toRam(mirror.space, refused, 1);
            }
        }
        trouble.crowded();
        throw new MemoryException(Errno.EBUSY, "a device cannot reach page " + page + " after many faults");
    }

    /** {@return a page that is the device's own and read-only though it is to be written, or -1} */
    private int fault(ProofMirror mirror, int page, int pages, Access access) {
        long sequence = mirror.notifier.readBegin();
        long[] found;
        try {
            found = RangeFault.fault(mirror.notifier, sequence, this, World.address(page), pages, access);
        } catch (MemoryException e) {
            if (e.errno() == Errno.EBUSY) {
                // What the fault itself changed: begin again.
                return -1;
            }
            throw e;
        }
        if (mirror.notifier.readRetry(sequence)) {
            return -1;
        }
        int refused = -1;
        for (int i = 0; i < pages; i++) {
            boolean write = MirrorEntry.writable(found[i]);
            if (mirror.right(page + i) != Right.ATOMIC || mirror.frame(page + i) != MirrorEntry.frame(found[i])) {
                mirror.set(page + i, MirrorEntry.frame(found[i]), write ? Right.WRITE : Right.READ);
            }
            if (access == Access.WRITE && !write && refused < 0) {
                refused = page + i;
            }
        }
        return refused;
    }

    void makeExclusive(AddressSpace space, int page, int pages) {
        ProofMirror mirror = mirror(space);
        for (int i = page; i < page + pages; i++) {
            int at = i;
            ExclusiveAccess.make(space, World.address(i), this, frame -> mirror.set(at, frame, Right.ATOMIC));
        }
    }
}
