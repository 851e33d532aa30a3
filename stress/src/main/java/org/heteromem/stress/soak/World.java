package org.heteromem.stress.soak;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.memory.MemoryNode;
import org.jspecify.annotations.Nullable;

/** One machine under soak: two nodes of RAM that together are too small, two devices, one process that others fork from. */
final class World implements AutoCloseable {
    private static final int NODE0_PAGES = 320;
    private static final int NODE1_PAGES = 128;
    private static final int PRIVATE_DEVICE_PAGES = 2048;
    private static final int COHERENT_DEVICE_PAGES = 192;
    private static final int RELIEF_ATTEMPTS = 4000;

    final MemoryManager manager;
    final AddressSpace space;
    final Layout layout = new Layout();
    final Ledger ledger = new Ledger(Layout.PAGES);
    final SoakDevice gpu;
    final SoakDevice cxl;
    private final Map<Tally, LongAdder> counts = new EnumMap<>(Tally.class);
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final ThreadLocal<SplittableRandom> choices;
    private volatile boolean stopping;

    World(long seed) {
        for (Tally tally : Tally.values()) {
            counts.put(tally, new LongAdder());
        }
        SplittableRandom random = new SplittableRandom(seed);
        manager = MemoryManager.builder()
                .node(Page.address(NODE0_PAGES))
                .node(Page.address(NODE1_PAGES))
                .build();
        space = manager.createAddressSpace();
        layout.map(space);
        gpu = new SoakDevice(this, "gpu", DeviceKind.PRIVATE, PRIVATE_DEVICE_PAGES, random.nextLong());
        cxl = new SoakDevice(this, "cxl", DeviceKind.COHERENT, COHERENT_DEVICE_PAGES, random.nextLong());
        // Relief is asked for by many threads; each brings its own sequence of choices.
        choices = ThreadLocal.withInitial(() ->
                new SplittableRandom(seed ^ Thread.currentThread().getName().hashCode()));
        manager.setPressureHandler((node, frames) -> relieve(node));
    }

    List<SoakDevice> devices() {
        return List.of(gpu, cxl);
    }

    /** Moves pages of whatever process to a device that has room. */
    long relieve(MemoryNode node) {
        SplittableRandom random = choices.get();
        count(Tally.RELIEF, 1);
        for (int attempt = 0; attempt < RELIEF_ATTEMPTS; attempt++) {
            SoakDevice device = random.nextBoolean() ? gpu : cxl;
            if (device.freeFrames() == 0) {
                device = device == gpu ? cxl : gpu;
            }
            long moved = migrateSomewhere(device, random, SoakDevice.Holes.LEAVE);
            if (moved > 0) {
                return moved;
            }
            if (node.freeFrames() > 0) {
                return 1;
            }
            Thread.yield();
        }
        return 0;
    }

    /** Tries to move a random run of pages of a random process to a device. */
    long migrateSomewhere(SoakDevice device, SplittableRandom random, SoakDevice.Holes holes) {
        List<AddressSpace> spaces = manager.spaces();
        AddressSpace victim = random.nextInt(3) > 0 ? space : spaces.get(random.nextInt(spaces.size()));
        List<Area> areas = victim.areas();
        if (areas.isEmpty()) {
            return 0;
        }
        Area area = areas.get(random.nextInt(areas.size()));
        int pages = (int) Page.count(area.length());
        int first = random.nextInt(pages);
        int count = Math.min(pages - first, 1 + random.nextInt(24));
        try {
            return device.takeIn(victim, area.address() + Page.address(first), count, holes);
        } catch (MemoryException e) {
            // The areas changed since we looked; what is refused is refused whole.
            count(Tally.REFUSED, 1);
            return 0;
        }
    }

    // ---- how it goes -------------------------------------------------------------------------------------------

    void count(Tally tally, long n) {
        Tally.adder(counts, tally).add(n);
    }

    Map<Tally, LongAdder> counts() {
        return counts;
    }

    boolean stopping() {
        return stopping;
    }

    void stop() {
        stopping = true;
    }

    /** Keeps the first failure and stops everybody. */
    void fail(Throwable what) {
        failure.compareAndSet(null, what);
        stopping = true;
    }

    @Nullable
    Throwable failure() {
        return failure.get();
    }

    /** Fails because a word has a value it cannot have. */
    SoakFailure wrong(AddressSpace where, long address, String what) {
        String view;
        try {
            view = Inspector.pages(where, address & -Page.SIZE, 1)[0].toString();
        } catch (RuntimeException e) {
            view = "not to be seen: " + e;
        }
        SoakFailure wrong = new SoakFailure("address space " + where.id() + ", address 0x" + Long.toHexString(address)
                + ", thread " + Thread.currentThread().getName() + ": " + what + "; the page is now " + view);
        fail(wrong);
        return wrong;
    }

    @Override
    public void close() {
        manager.close();
    }
}
