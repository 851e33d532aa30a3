package org.heteromem.devices.storage;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.policy.PressureHandler;

/**
 * RAM is short: its coldest pages go to the first device, and when that is full its longest-stored pages go to the next, and
 * so on (Linux: reclaim, and demotion by memory tiers). Thread-safe.
 *
 * <pre>{@code
 * manager.setPressureHandler(new Overflow(manager, List.of(compressed, file)));
 * }</pre>
 */
public final class Overflow implements PressureHandler {
    // Who finds all pages in the hands of others waits for them; that costs a round over the lists each time.
    private static final int PATIENCE = 1 << 12;
    /** Who has them may be without a CPU for a while: so long at most is waited while somebody moves pages in bulk. */
    private static final long MOST_NANOS = 1_000_000_000;

    private static final long PAUSE_NANOS = 100_000;
    private static final long SHARE = 64;
    private static final long MIN_RESERVE = 2;
    private static final long MAX_RESERVE = 64;

    private final MemoryManager manager;
    private final List<StorageDevice> devices;

    /**
     * Makes a handler.
     *
     * @param manager whose RAM
     * @param fastestFirst the devices in the order in which they are filled, at least one
     */
    public Overflow(MemoryManager manager, List<StorageDevice> fastestFirst) {
        if (fastestFirst.isEmpty()) {
            throw new IllegalArgumentException("overflow needs at least one device to go to");
        }
        this.manager = manager;
        this.devices = List.copyOf(fastestFirst);
    }

    @Override
    public long reserve(MemoryNode node) {
        return Math.clamp(node.frames() / SHARE, Math.min(MIN_RESERVE, node.frames() / 2), MAX_RESERVE);
    }

    @Override
    public long relieve(MemoryNode node, long frames) {
        return relieve(FrameDemand.NEW_PAGE, node, frames);
    }

    @Override
    public long relieve(FrameDemand demand, MemoryNode node, long frames) {
        // A budget that was lowered is overdrawn, and nothing is free before all of that has gone.
        long overdrawn = node instanceof HomedMemory homed
                ? Math.max(0, homed.budget().used() - homed.budget().limit())
                : 0;
        int wish = Math.clamp(overdrawn + Math.max(frames, node.frames() / SHARE), 1, StorageDevice.BATCH_PAGES);
        long patienceEnded = 0;
        for (int attempt = 0; ; attempt++) {
            // Asked first: what they put back when they are done is looked at once more.
            boolean othersMove = attempt >= PATIENCE && devices.stream().anyMatch(StorageDevice::isMoving);
            for (MemoryNode from : sources(node)) {
                long[] cold = manager.coldFrames(from, wish);
                long moved = cold.length == 0 ? 0 : evict(cold);
                if (moved > 0) {
                    return moved;
                }
            }
            if (node.freeFrames() > (demand == FrameDemand.NEW_PAGE ? reserve(node) : 0)) {
                return 1;
            }
            // The coldest may be in the hands of others, who hold them for long: then the next ones are wanted.
            wish = Math.min(2 * wish, StorageDevice.BATCH_PAGES);
            if (attempt < PATIENCE) {
                Thread.yield();
                continue;
            }
            long now = System.nanoTime();
            patienceEnded = patienceEnded == 0 ? now : patienceEnded;
            if (!othersMove || now - patienceEnded > MOST_NANOS) {
                return 0;
            }
            LockSupport.parkNanos(this, PAUSE_NANOS);
        }
    }

    /** Where pages can leave for a frame of a node: of homed memory, wherever its budget is used. */
    private List<MemoryNode> sources(MemoryNode node) {
        if (!(node instanceof HomedMemory homed)) {
            return List.of(node);
        }
        List<MemoryNode> all = new ArrayList<>();
        all.add(node);
        for (HomedMemory other : manager.homedMemories()) {
            if (other != node && other.budget() == homed.budget()) {
                all.add(other);
            }
        }
        return all;
    }

    private long evict(long[] cold) {
        StorageDevice first = devices.getFirst();
        long moved = first.evictFrames(cold);
        if (moved == 0 && makeRoom(0, cold.length)) {
            moved = first.evictFrames(cold);
        }
        // What is on no slower device's way, for example because a disk fails, may still find another.
        for (int i = 1; i < devices.size() && moved == 0; i++) {
            moved = devices.get(i).evictFrames(cold);
        }
        return moved;
    }

    /** {@return whether some pages of a device went to the one behind it} */
    private boolean makeRoom(int device, int pages) {
        if (device + 1 >= devices.size()) {
            return false;
        }
        StorageDevice slower = devices.get(device + 1);
        return devices.get(device).demoteTo(slower, pages) > 0
                || (makeRoom(device + 1, pages) && devices.get(device).demoteTo(slower, pages) > 0);
    }
}
