package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.device.DeviceDriver;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.DeviceKind;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.device.DriverResult;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.policy.MemoryView;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/** What the parts of one accelerator share. Also the owner of its pages, by identity. */
final class Machinery {
    private final MemoryManager manager;
    private final PolicySet policies;
    private final DeviceMemory memory;
    private final FramePool pool;
    private final HostMemory host;
    private final Transfers transfers;
    private final Eviction eviction;
    private final Waiting waiting;
    private final LongSupplier nanos;
    private final Predicate<Invalidation> suppressed;
    private final Tally tally = new Tally();
    private final AtomicInteger moving = new AtomicInteger();
    private final AtomicLong useClock = new AtomicLong();
    private final ConcurrentMap<AddressSpace, Mirror> mirrors = new ConcurrentHashMap<>();

    Machinery(AcceleratorBuilder builder) {
        this.manager = builder.manager;
        this.policies = builder.policies;
        this.waiting = builder.waiting;
        this.nanos = builder.nanos;
        this.suppressed = builder.suppressed;
        this.host = builder.host;
        this.transfers = new Transfers(manager, new CopyEngine(builder.copyExecutor, waiting), host.reachable());
        Driver driver = new Driver();
        this.memory = manager.addDevice(
                new DeviceMemory.Spec(builder.name, DeviceKind.PRIVATE, this, builder.openStore()), driver);
        int frames = Math.toIntExact(memory.frames());
        this.pool = new FramePool(memory.firstFrame(), frames, PressureRelief.reserveOf(frames));
        this.eviction = new Eviction(this);
    }

    /** The core's calls. The pages of a driver that is being made cannot fault yet. */
    private final class Driver implements DeviceDriver {
        private final Homecoming homecoming = new Homecoming(Machinery.this);

        @Override
        public DriverResult migrateToRam(DeviceFault fault) {
            return homecoming.migrateToRam(fault);
        }

        @Override
        public void frameFreed(DeviceMemory of, long frame) {
            pool.freed(frame);
        }
    }

    MemoryManager manager() {
        return manager;
    }

    PolicySet policies() {
        return policies;
    }

    DeviceMemory memory() {
        return memory;
    }

    FramePool pool() {
        return pool;
    }

    HostMemory host() {
        return host;
    }

    Transfers transfers() {
        return transfers;
    }

    Eviction eviction() {
        return eviction;
    }

    Waiting waiting() {
        return waiting;
    }

    long now() {
        return nanos.getAsLong();
    }

    Tally tally() {
        return tally;
    }

    /** A migration is under way: for its time, pages have a frame on either side. */
    interface Moving extends AutoCloseable {
        @Override
        void close();
    }

    /** {@return to be closed when the migration is} */
    Moving startMoving() {
        moving.incrementAndGet();
        return moving::decrementAndGet;
    }

    /** {@return whether any migration to or from the device is under way} */
    boolean moving() {
        return moving.get() > 0;
    }

    /** {@return the logical time that ages blocks} */
    long useTime() {
        return useClock.get();
    }

    /** Lets logical time pass. */
    void nextUseTime() {
        useClock.incrementAndGet();
    }

    /** Only tests suppress notifications, to show what would happen. */
    boolean ignores(Invalidation invalidation) {
        return suppressed.test(invalidation);
    }

    /** {@return the device's view of a process, made if need be; it may not follow the process yet} */
    Mirror mirror(AddressSpace space) {
        Mirror have = mirrors.get(space);
        if (have != null) {
            return have;
        }
        mirrors.keySet().removeIf(AddressSpace::exited);
        return mirrors.computeIfAbsent(space, s -> new Mirror(this, s));
    }

    /** {@return the view of the process that a block belongs to, or null if nobody has it any more} */
    @Nullable
    Mirror mirrorOf(DeviceBlock block) {
        for (Mirror mirror : mirrors.values()) {
            if (mirror.space().id() == block.space()) {
                return mirror;
            }
        }
        return null;
    }

    List<Mirror> mirrors() {
        return new ArrayList<>(mirrors.values());
    }

    MemoryView view() {
        return new MemoryView(memory.name(), pool.frames(), pool.free());
    }

    /** {@return how many frames of RAM are free for pages that move: an exchange may use reserves} */
    long availableRam() {
        return host.availableFrames();
    }

    /** {@return how many frames of RAM are free beyond the reserves} */
    long freeRam() {
        return host.freeFrames();
    }
}
