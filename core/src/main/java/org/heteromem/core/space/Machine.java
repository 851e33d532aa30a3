package org.heteromem.core.space;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.device.DeviceFault;
import org.heteromem.core.device.Spares;
import org.heteromem.core.event.Counter;
import org.heteromem.core.event.Counters;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.RamNode;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.policy.PressureHandler;
import org.heteromem.core.wait.Waiting;
import org.jspecify.annotations.Nullable;

/** What all address spaces of one manager share: frames, nodes, the zero page, ports and counters. Thread-safe. */
public final class Machine {
    /** How many things are kept that are used again: more threads than this are seldom in faults at once. */
    private static final int SPARES = 16;

    /** The metadata of all frames. */
    public final FrameTable frames;
    /** How a caller of the core waits. */
    public final Waiting waiting;
    /** What the core counts. */
    public final Counters counters = new Counters();
    /** The shared page full of zeros. */
    public final long zeroFrame;

    /** Migrations to be used again. */
    final Spares<PageMigration> spareMigrations = new Spares<>(SPARES);
    /** Faults to be used again. */
    final Spares<DeviceFault> spareFaults = new Spares<>(SPARES);

    private final RamNode[] nodes;
    private final @Nullable EventSink events;
    private volatile @Nullable Throwable sinkFailure;
    private volatile @Nullable PressureHandler pressure;
    private final AtomicInteger ids = new AtomicInteger();
    private final ConcurrentSkipListMap<Integer, Mm> spaces = new ConcurrentSkipListMap<>();

    /**
     * Makes a machine.
     *
     * @param frames the metadata of all frames
     * @param nodes the nodes of RAM, at least one
     * @param waiting how callers wait
     * @param events where events go, or null
     */
    public Machine(FrameTable frames, List<RamNode> nodes, Waiting waiting, @Nullable EventSink events) {
        this.frames = frames;
        this.nodes = nodes.toArray(RamNode[]::new);
        this.waiting = waiting;
        this.events = events;
        this.zeroFrame = this.nodes[0].allocate(Frames.RESERVED);
        frames.zero(zeroFrame);
    }

    /** {@return the nodes of RAM} */
    public List<RamNode> nodes() {
        return List.of(nodes);
    }

    /**
     * Says who makes room when RAM is short.
     *
     * @param handler the handler, or null for nobody
     */
    public void setPressureHandler(@Nullable PressureHandler handler) {
        pressure = handler;
        for (RamNode node : nodes) {
            node.setReserve(handler == null ? 0 : handler.reserve(node));
        }
    }

    /** {@return whether somebody reads the events} */
    public boolean listening() {
        EventSink sink = events;
        if (sink == null || sinkFailure != null) {
            return false;
        }
        try {
            return sink.isOpen();
        } catch (RuntimeException | Error e) {
            sinkFailure = e;
            return false;
        }
    }

    /**
     * Sends an event. A sink that throws gets no more of them: what it is told of has happened, and whoever did it must
     * finish.
     *
     * @param event made only if somebody reads it
     */
    public void emit(Supplier<MemoryEvent> event) {
        EventSink sink = events;
        if (sink != null && listening()) {
            try {
                sink.accept(event.get());
            } catch (RuntimeException | Error e) {
                sinkFailure = e;
            }
        }
    }

    /**
     * Says that the sink failed.
     *
     * @throws IllegalStateException if it did
     */
    public void checkSink() {
        Throwable broken = sinkFailure;
        if (broken != null) {
            throw new IllegalStateException("the event sink failed, and has got no events since", broken);
        }
    }

    int nextSpaceId() {
        return ids.incrementAndGet();
    }

    void register(Mm mm) {
        spaces.put(mm.id(), mm);
    }

    void unregister(Mm mm) {
        spaces.remove(mm.id());
    }

    /** {@return all living address spaces, oldest first} */
    public Collection<Mm> spaces() {
        return spaces.values();
    }

    /** {@return the node on which a page is allocated first} */
    public RamNode preferredNode() {
        return nodes[0];
    }

    /**
     * {@return a frame of RAM for a page that did not exist before, with one reference, or -1; the nearest node that has
     * one beyond its reserve}
     *
     * @param flags of {@link Frames}
     */
    public long allocateRam(int flags) {
        for (RamNode node : nodes) {
            long frame = node.freeFrames() > node.reserve() ? node.allocate(flags) : RamNode.NONE;
            if (frame != RamNode.NONE) {
                return frame;
            }
        }
        return RamNode.NONE;
    }

    /**
     * {@return a frame of RAM for a page that leaves another frame for it, with one reference, or -1; may use up reserves,
     * because the move gives back what it takes}
     *
     * @param flags of {@link Frames}
     */
    public long allocateRamForMove(int flags) {
        for (RamNode node : nodes) {
            long frame = node.allocate(flags);
            if (frame != RamNode.NONE) {
                return frame;
            }
        }
        return RamNode.NONE;
    }

    /**
     * Puts a page of RAM on its node's LRU; device memory is on none.
     *
     * @param frame a frame
     */
    public void lruAdd(long frame) {
        FrameRange range = frames.range(frame);
        if (range.owner instanceof LruNode node) {
            node.lruAdd(frame);
        }
    }

    /**
     * {@return whether a page was taken off its LRU; device memory always is}
     *
     * @param frame a frame
     */
    public boolean lruIsolate(long frame) {
        FrameRange range = frames.range(frame);
        return !(range.owner instanceof LruNode node) || node.lruIsolate(frame);
    }

    /**
     * Makes a page of RAM the next victim.
     *
     * @param frame a frame
     */
    public void lruDeactivate(long frame) {
        FrameRange range = frames.range(frame);
        if (range.owner instanceof LruNode node) {
            node.lruDeactivate(frame);
        }
    }

    /**
     * Makes room, or gives up. Without any lock.
     *
     * @param demand what kind of frame is wanted
     * @param node the node that is short
     * @param purpose what the frame is for, for the message
     * @throws MemoryExhaustedException if nobody could make room and there is none
     */
    public void relieve(FrameDemand demand, MemoryNode node, String purpose) {
        if (makeRoom(demand, node)) {
            return;
        }
        if (node instanceof HomedNode homed) {
            throw new MemoryExhaustedException(
                    "no memory for " + purpose + ": " + homed.budget() + " of '" + homed.name()
                            + "' are in use and nothing could be moved out; give it more RAM or a larger device");
        }
        throw exhausted(purpose);
    }

    /**
     * {@return whether a frame is free now, or was a moment ago} Without any lock.
     *
     * @param demand what kind of frame is wanted
     * @param node the node that is short
     */
    boolean makeRoom(FrameDemand demand, MemoryNode node) {
        counters.add(Counter.ALLOCSTALL, 1);
        PressureHandler handler = pressure;
        if (handler != null && handler.relieve(demand, node, 1) > 0) {
            return true;
        }
        if (node instanceof HomedNode homed) {
            // Not of the memory: one of few pages has none free beside the reserve of a budget that many share.
            return homed.budget().free()
                    > (demand == FrameDemand.NEW_PAGE ? homed.budget().reserve() : 0);
        }
        for (RamNode any : nodes) {
            if (any.freeFrames() > (demand == FrameDemand.NEW_PAGE ? any.reserve() : 0)) {
                return true;
            }
        }
        return false;
    }

    /**
     * {@return the error that no frame can be had, saying who has them all}
     *
     * @param purpose what the frame is for
     */
    MemoryExhaustedException exhausted(String purpose) {
        StringBuilder message =
                new StringBuilder("no memory for ").append(purpose).append(':');
        for (FrameRange range : frames.ranges()) {
            message.append(' ')
                    .append(range.owner.name())
                    .append(' ')
                    .append(range.owner.framesInUse())
                    .append(" of ")
                    .append(range.count)
                    .append(" pages in use;");
        }
        return new MemoryExhaustedException(
                message.append(" give the run more RAM or a larger device").toString());
    }
}
