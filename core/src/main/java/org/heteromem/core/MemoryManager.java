package org.heteromem.core;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.event.Counters;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.memory.AllocationGate;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.memory.ResourceMap;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.policy.PressureHandler;
import org.heteromem.core.space.ColdScan;
import org.heteromem.core.space.IdlePages;
import org.heteromem.core.space.Inspection;
import org.heteromem.core.space.Machine;
import org.heteromem.core.space.Mm;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/**
 * A machine's memory: nodes of RAM, devices, and the processes that live in them.
 *
 * <pre>{@code
 * try (MemoryManager manager = MemoryManager.builder().node(64L << 20).build()) {
 *     AddressSpace space = manager.createAddressSpace();
 *     long address = space.map(1L << 20, Protection.READ_WRITE, Sharing.PRIVATE);
 *     try (Cpu cpu = space.newCpu()) {
 *         cpu.storeLong(address, 42);
 *     }
 * }
 * }</pre>
 *
 * Thread-safe. Starts no threads, reads no clock, does no I/O.
 */
public final class MemoryManager implements AutoCloseable {
    private static final long[] NO_FRAMES = {};

    /** The least RAM a node can have. */
    public static final long MIN_NODE_BYTES = 16L * Page.SIZE;
    /** Default width of a physical address in bits. */
    public static final int DEFAULT_PHYSICAL_ADDRESS_BITS = 46;

    private final ResourceMap resources;
    private final Machine machine;
    private final List<DeviceMemory> devices = new ArrayList<>();
    /** Stores of devices that were removed: released with everything else, as somebody may still be looking. */
    private final List<FrameStore> removedStores = new ArrayList<>();

    private final Map<HomedMemory, ResourceMap.Resource> homed = new LinkedHashMap<>();
    /** The manager itself while it is open, and everyone who holds its memory. */
    private final AtomicInteger holders = new AtomicInteger(1);

    private final AtomicBoolean closed = new AtomicBoolean();

    private MemoryManager(Builder builder) {
        this.resources = new ResourceMap(builder.physicalAddressBits);
        FrameTable frames = new FrameTable();
        List<RamNode> nodes = new ArrayList<>();
        long start = 0;
        for (FrameStore store : builder.nodes) {
            resources.claim(start, store.byteSize(), ResourceMap.Kind.SYSTEM_RAM, "node" + nodes.size());
            nodes.add(new RamNode(nodes.size(), frames, Page.of(start), store));
            start += store.byteSize();
        }
        this.machine = new Machine(frames, nodes, builder.waiting, builder.events);
        // After the zero page, without which there is no machine.
        nodes.forEach(node -> node.setGate(builder.gate));
    }

    /** {@return a builder for a manager} */
    public static Builder builder() {
        return new Builder();
    }

    /** What a machine consists of. */
    public static final class Builder {
        private final List<FrameStore> nodes = new ArrayList<>();
        private int physicalAddressBits = DEFAULT_PHYSICAL_ADDRESS_BITS;
        private Waiting waiting = Waiting.parking();
        private @Nullable EventSink events;
        private @Nullable AllocationGate gate;

        private Builder() {}

        /**
         * Adds a node of RAM in ordinary off-heap memory. The first is where pages are allocated first.
         *
         * @param bytes size, a multiple of the page size, at least {@link #MIN_NODE_BYTES}
         * @return this
         */
        public Builder node(long bytes) {
            return node(new ArenaStore(checkNode(bytes)));
        }

        /**
         * Adds a node of RAM whose bytes are in a store of the caller's; the manager closes it.
         *
         * @param store directly addressable frames
         * @return this
         */
        public Builder node(FrameStore store) {
            checkNode(store.byteSize());
            nodes.add(store);
            return this;
        }

        private static long checkNode(long bytes) {
            if (bytes < MIN_NODE_BYTES || (bytes & Page.OFFSET_MASK) != 0) {
                throw new MemoryException(
                        Errno.EINVAL,
                        "a node of " + bytes + " bytes of RAM: it must be whole pages of " + Page.SIZE
                                + " bytes, at least " + MIN_NODE_BYTES);
            }
            return bytes;
        }

        /**
         * Sets the width of a physical address.
         *
         * @param bits 32 to 52
         * @return this
         */
        public Builder physicalAddressBits(int bits) {
            this.physicalAddressBits = bits;
            return this;
        }

        /**
         * Sets how callers wait; by default they park.
         *
         * @param port the waiting port
         * @return this
         */
        public Builder waiting(Waiting port) {
            this.waiting = port;
            return this;
        }

        /**
         * Sets where events go; by default nowhere.
         *
         * @param sink the sink
         * @return this
         */
        public Builder events(EventSink sink) {
            this.events = sink;
            return this;
        }

        /**
         * Sets who may refuse allocations of frames, to see what becomes of them; by default nobody.
         *
         * @param asked before every frame of RAM
         * @return this
         */
        public Builder allocationGate(AllocationGate asked) {
            this.gate = asked;
            return this;
        }

        /** {@return the manager} */
        public MemoryManager build() {
            if (nodes.isEmpty()) {
                throw new MemoryException(Errno.EINVAL, "a machine needs at least one node of RAM");
            }
            return new MemoryManager(this);
        }
    }

    /** {@return an empty address space, executed by {@link Cpu} objects} */
    public AddressSpace createAddressSpace() {
        return publish(new AddressSpace(this, null));
    }

    /**
     * Makes an address space that something else executes.
     *
     * @param mmu how changes reach it
     * @return an empty address space
     */
    public AddressSpace createAddressSpace(Mmu mmu) {
        return publish(new AddressSpace(this, mmu));
    }

    private AddressSpace publish(AddressSpace space) {
        checkOpen();
        space.mm().publish();
        return space;
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new MemoryException(Errno.EINVAL, "the memory manager is closed");
        }
    }

    /**
     * Registers memory of a device (memremap_pages).
     *
     * @param spec what it is
     * @param driver who drives it
     * @return the memory; its store is closed with the manager
     * @throws MemoryException ENOMEM if the physical address space has no room for it
     */
    public synchronized DeviceMemory addDevice(DeviceMemory.Spec spec, DeviceDriver driver) {
        checkOpen();
        DeviceMemory memory = DeviceMemory.register(spec, machine, resources, driver);
        devices.add(memory);
        return memory;
    }

    /**
     * Removes memory of a device (memunmap_pages); copies of clean pages are given up. May be called by any thread in any phase
     * of a migration, by a driver and a follower of a process in a call from the core too: it never waits for pages. From
     * then on no frame of it can be readied. A frame of whose freeing the driver is being told is still in use. The store stays
     * open, for who is in the middle of an access, until the manager is closed or {@link #closeStore} is called.
     *
     * @param memory memory of this manager, with no frame in use
     * @throws MemoryException EBUSY while frames are in use, EINVAL if it is not registered
     */
    public synchronized void removeDevice(DeviceMemory memory) {
        if (!devices.contains(memory)) {
            throw new MemoryException(
                    Errno.EINVAL, "device memory '" + memory.name() + "' is not registered with this manager");
        }
        memory.unregister(resources);
        devices.remove(memory);
        removedStores.add(memory.store());
    }

    /**
     * Closes the store of device memory that has been removed, ahead of the manager's end. It is up to the caller that nobody
     * is in the middle of an access to its bytes any more: neither a {@link Cpu}, if they could be addressed, nor who moves pages.
     *
     * @param memory memory that this manager had
     * @throws MemoryException EINVAL if it has not been removed, or its store is closed
     */
    public void closeStore(DeviceMemory memory) {
        boolean removed;
        synchronized (this) {
            removed = removedStores.remove(memory.store());
        }
        if (!removed) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "device memory '" + memory.name()
                            + "' has not been removed from this manager, or its store is closed");
        }
        memory.store().close();
    }

    /**
     * Registers homed memory: RAM whose frames are given by the addresses of the pages in them.
     *
     * @param name in messages and events
     * @param store the bytes; closed with the manager, or by {@link #removeHomedMemory}
     * @param budget what its frames are charged to
     * @return the memory, to be mapped once by {@link AddressSpace#mapHomed}
     * @throws MemoryException EINVAL for a size that is not whole pages, ENOMEM if the physical address space has no room
     */
    public synchronized HomedMemory addHomedMemory(String name, FrameStore store, FrameBudget budget) {
        checkOpen();
        if (store.byteSize() <= 0 || (store.byteSize() & Page.OFFSET_MASK) != 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "homed memory '" + name + "' has " + store.byteSize() + " bytes; it must be whole pages");
        }
        ResourceMap.Resource resource = resources.claimTop(
                store.byteSize(), Page.SIZE * (long) Page.PER_BLOCK, ResourceMap.Kind.SYSTEM_RAM, name);
        HomedNode node = new HomedNode(name, machine.frames, Page.of(resource.start()), store, budget);
        homed.put(node, resource);
        return node;
    }

    /**
     * Removes homed memory and closes its store.
     *
     * @param memory memory of this manager, not mapped and with no frame in use
     * @throws MemoryException EBUSY while it is mapped or frames are in use
     */
    public synchronized void removeHomedMemory(HomedMemory memory) {
        ResourceMap.Resource resource = homed.get(memory);
        if (!(memory instanceof HomedNode node) || resource == null) {
            throw new MemoryException(
                    Errno.EINVAL, "homed memory '" + memory.name() + "' is not registered with this manager");
        }
        if (node.framesInUse() != 0) {
            throw new MemoryException(
                    Errno.EBUSY,
                    "homed memory '" + node.name() + "' still has " + node.framesInUse()
                            + " frames in use; unmap it and release what is pinned first");
        }
        for (Mm mm : machine.spaces()) {
            if (Inspection.maps(mm, node)) {
                // Also if no page is there: the next touch, or a page that comes home, would find no frames.
                throw new MemoryException(
                        Errno.EBUSY,
                        "homed memory '" + node.name() + "' is still mapped by address space " + mm.id()
                                + "; unmap it first");
            }
        }
        machine.frames.remove(node.range());
        resources.release(resource);
        homed.remove(memory);
        node.store().close();
    }

    /** {@return the homed memory registered, oldest first} */
    public synchronized List<HomedMemory> homedMemories() {
        return List.copyOf(homed.keySet());
    }

    /** {@return the devices registered} */
    public synchronized List<DeviceMemory> devices() {
        return List.copyOf(devices);
    }

    /** {@return the nodes of RAM} */
    public List<MemoryNode> nodes() {
        return List.copyOf(machine.nodes());
    }

    /** {@return the living address spaces, oldest first} */
    public List<AddressSpace> spaces() {
        Collection<Mm> all = machine.spaces();
        return all.stream().map(Mm::face).toList();
    }

    /** {@return the map of physical addresses} */
    public ResourceMap resources() {
        return resources;
    }

    /** {@return what the core counts} */
    public Counters counters() {
        return machine.counters;
    }

    /** {@return the frame of the shared page full of zeros} */
    public long zeroFrame() {
        return machine.zeroFrame;
    }

    /** {@return bytes of frame metadata in use, page tables not included} */
    public long metadataBytes() {
        return machine.frames.metadataBytes();
    }

    /**
     * Says who makes room when RAM is short.
     *
     * @param handler the handler, or null for nobody: allocation then fails
     */
    public void setPressureHandler(@Nullable PressureHandler handler) {
        machine.setPressureHandler(handler);
    }

    /**
     * Looks for pages that could leave a node: coldest first, those used since the last look get another chance. Only
     * anonymous pages that nobody has pinned. What comes back is a hint; a migration of it shows what can really go.
     *
     * @param node a node of this manager
     * @param count how many are wanted, positive
     * @return frame numbers, at most {@code count}; fewer where a whole round over the lists found no more, none of homed memory
     *     that has been removed
     */
    public long[] coldFrames(MemoryNode node, int count) {
        boolean known = node instanceof RamNode ? machine.nodes().contains(node) : node instanceof HomedNode;
        if (!(node instanceof LruNode ram) || !known) {
            throw new MemoryException(Errno.EINVAL, "not a node of this machine: " + node);
        }
        requireSome(count);
        return node instanceof HomedNode && !isHomed(node) ? NO_FRAMES : ColdScan.find(machine, ram, count);
    }

    /**
     * As {@link #coldFrames}, but of the pages of homed memory only those of which something is known: that are {@link #watch
     * watched} and were not used since in a way that counts, as far as was seen, and that a sequential reader has left behind.
     *
     * @param memory homed memory of this manager
     * @param count how many are wanted, positive
     * @return frame numbers, at most {@code count}; none of memory that has been removed
     */
    public long[] idleFrames(HomedMemory memory, int count) {
        requireSome(count);
        return memory instanceof HomedNode node && isHomed(node) ? ColdScan.findIdle(machine, node, count) : NO_FRAMES;
    }

    private static void requireSome(int count) {
        if (count <= 0) {
            throw new MemoryException(Errno.EINVAL, "cannot look for " + count + " frames: at least one is needed");
        }
    }

    /**
     * Looks which of the oldest pages of homed memory are used before their turn to leave comes, if its victim policy wants to
     * know: makes the next use of some more of them a fault. Waits for nobody.
     *
     * @param space that has it mapped
     * @param memory homed memory
     * @param most how many at once, positive
     * @return how many are watched from now on; 0 if none need be, or the memory has been removed
     */
    public int watch(AddressSpace space, HomedMemory memory, int most) {
        if (most <= 0) {
            throw new MemoryException(Errno.EINVAL, "cannot watch " + most + " pages: at least one is needed");
        }
        return memory instanceof HomedNode node && node.samples() && isHomed(node)
                ? IdlePages.watch(space.mm(), node, most)
                : 0;
    }

    private synchronized boolean isHomed(MemoryNode node) {
        return homed.containsKey(node);
    }

    /**
     * Sends an event to the sink, for device back ends.
     *
     * @param event makes the event; called only if somebody listens
     */
    public void emit(Supplier<MemoryEvent> event) {
        machine.emit(event);
    }

    /**
     * {@return the name of the memory that a frame belongs to}
     *
     * @param frame a frame number
     * @throws MemoryException EINVAL if no memory has that frame
     */
    public String memoryName(long frame) {
        return machine.frames.range(frame).owner.name();
    }

    /**
     * Sees to the bytes of a frame for a driver that may access it: where they are.
     *
     * @param frame a frame number
     * @return the store and the offset in it
     */
    public FrameLocation locate(long frame) {
        var range = machine.frames.range(frame);
        return new FrameLocation(range.owner.store(), range.offset(frame));
    }

    /**
     * Where a frame's bytes are.
     *
     * @param store the store
     * @param offset the byte offset in it
     */
    public record FrameLocation(FrameStore store, long offset) {}

    /** {@return the inside of it; for the core} */
    @SuppressWarnings("exports") // only the core can use it
    public Machine machine() {
        return machine;
    }

    /**
     * Keeps the bytes of all memory from being released until the hold is closed, also after {@link #close}.
     *
     * @return the hold
     * @throws MemoryException EINVAL if the memory is released already
     */
    public MemoryHold hold() {
        if (holders.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
            throw new MemoryException(Errno.EINVAL, "the memory manager is closed");
        }
        return new MemoryHold(this::release);
    }

    private void release() {
        if (holders.decrementAndGet() == 0) {
            machine.nodes().forEach(node -> node.store().close());
            devices().forEach(device -> device.store().close());
            synchronized (this) {
                homed.keySet().forEach(memory -> memory.store().close());
                removedStores.forEach(FrameStore::close);
            }
        }
    }

    /**
     * Ends all processes and releases all memory; the bytes go when the last {@link Cpu} is closed, so that a thread which is
     * late gets an error and never a wrong byte. Idempotent.
     *
     * @throws IllegalStateException after all that, if the event sink has thrown
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            spaces().forEach(AddressSpace::exit);
            release();
            machine.checkSink();
        }
    }
}
