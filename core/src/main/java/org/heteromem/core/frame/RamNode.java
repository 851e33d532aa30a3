package org.heteromem.core.frame;

import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.core.Page;
import org.heteromem.core.memory.AllocationGate;
import org.heteromem.core.memory.FrameStore;
import org.heteromem.core.policy.VictimPolicy;
import org.jspecify.annotations.Nullable;

/**
 * A node of RAM: a free list and two LRU lists. The free list is a stack without locks, its head tagged against reuse;
 * frames that were never used come after it, in order, so that the same calls give the same frames.
 */
public final class RamNode extends LruNode implements FrameAllocator {
    private final int id;
    /** tag 63..32, index + 1 of the first free frame 31..0. */
    private final AtomicLong freeHead = new AtomicLong();

    private final AtomicLong neverUsed = new AtomicLong();
    private final AtomicLong allocated = new AtomicLong();
    private volatile @Nullable AllocationGate gate;
    private volatile long reserve;

    /**
     * Makes a node.
     *
     * @param id the node number
     * @param table the metadata of all frames
     * @param firstFrame the number of its first frame
     * @param store its bytes
     */
    public RamNode(int id, FrameTable table, long firstFrame, FrameStore store) {
        super(table, firstFrame, store, new WorkingSet(VictimPolicy.byAge(), () -> Page.count(store.byteSize())));
        this.id = id;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public String name() {
        return "node" + id;
    }

    @Override
    public long framesInUse() {
        return allocated.get();
    }

    @Override
    public long freeFrames() {
        return range.count - allocated.get();
    }

    /** {@return how many of the last frames only pages that move may take (Linux: the min watermark)} */
    public long reserve() {
        return reserve;
    }

    /**
     * Sets the reserve.
     *
     * @param frames how many, not negative
     */
    public void setReserve(long frames) {
        reserve = frames;
    }

    /**
     * Sets who may refuse allocations.
     *
     * @param gate asked before each, or null for nobody
     */
    public void setGate(@Nullable AllocationGate gate) {
        this.gate = gate;
    }

    @Override
    public long allocate(int flags) {
        AllocationGate asked = gate;
        if (asked != null && !asked.mayAllocate(this)) {
            return NONE;
        }
        long frame = pop();
        if (frame == NONE) {
            long next = neverUsed.get() < range.count ? neverUsed.getAndIncrement() : range.count;
            if (next >= range.count) {
                // The list may have been refilled since.
                frame = pop();
                if (frame == NONE) {
                    return NONE;
                }
            } else {
                frame = range.first + next;
            }
        }
        allocated.getAndIncrement();
        table.prepare(frame, flags);
        return frame;
    }

    private long pop() {
        for (; ; ) {
            long head = freeHead.get();
            int index = (int) head;
            if (index == 0) {
                return NONE;
            }
            long frame = range.first + Integer.toUnsignedLong(index) - 1;
            long next = table.links(frame);
            if (freeHead.compareAndSet(head, ((head >>> 32) + 1) << 32 | next)) {
                return frame;
            }
        }
    }

    @Override
    public void lastReferenceGone(long frame) {
        lruForget(frame);
        dropCopyOf(frame);
        table.reset(frame);
        allocated.getAndDecrement();
        for (; ; ) {
            long head = freeHead.get();
            table.setLinks(frame, head & 0xffff_ffffL);
            if (freeHead.compareAndSet(head, ((head >>> 32) + 1) << 32 | (frame - range.first + 1))) {
                return;
            }
        }
    }

    /**
     * For the state checker: walks both LRU lists and the free list; only at a quiet point.
     *
     * @param visitor what is called for every frame
     * @return the first frame that was never used
     */
    public long walkLists(ListVisitor visitor) {
        walkLru(visitor);
        long index = freeHead.get() & 0xffff_ffffL;
        for (long left = range.count; index != 0; left--) {
            if (left == 0 || index > range.count) {
                visitor.broken("the free list has a circle or leaves the node");
                break;
            }
            long frame = range.first + index - 1;
            visitor.free(frame);
            index = table.links(frame) & 0xffff_ffffL;
        }
        return range.first + Math.min(range.count, neverUsed.get());
    }
}
