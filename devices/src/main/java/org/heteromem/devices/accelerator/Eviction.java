package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.policy.BlockView;

/**
 * Makes room on the device by moving blocks, chosen by the policy, to RAM. Works by frame, so it needs no process's lock
 * and waits for nobody: pages that are busy stay, and another block is asked.
 */
final class Eviction {
    private static final BitSet NONE = new BitSet();

    private final Machinery device;

    Eviction(Machinery device) {
        this.device = device;
    }

    /**
     * Tries to have frames free.
     *
     * @param needed how many
     * @param home the block that they are for; it gives pages only when nobody else can
     * @param keep pages of it that must stay
     */
    void makeRoom(int needed, DeviceBlock home, BitSet keep) {
        int goal = Math.min(needed, device.pool().capacityForNewPages());
        Set<BlockView> exhausted = new HashSet<>();
        while (device.pool().freeForNewPages() < goal && room() > 0) {
            List<BlockView> candidates = new ArrayList<>(device.pool().residents());
            candidates.remove(home);
            candidates.removeAll(exhausted);
            if (!candidates.isEmpty()) {
                BlockView victim = device.policies().eviction().victim(candidates);
                if (victim instanceof DeviceBlock block && candidates.contains(victim)) {
                    if (evict(block, NONE) == 0) {
                        exhausted.add(block);
                    }
                    continue;
                }
                throw new IllegalStateException("eviction policy '"
                        + device.policies().eviction().name() + "' answered with a block it was not offered: "
                        + victim);
            }
            if (evict(home, keep) == 0) {
                return;
            }
        }
    }

    /**
     * Moves a block's pages to RAM, as far as RAM has room.
     *
     * @param block whose
     * @param keep pages that stay
     * @return how many went
     */
    int evict(DeviceBlock block, BitSet keep) {
        int moved = moveToRam(device.pool().framesOf(block, keep, room()));
        if (moved > 0) {
            Tally tally = device.tally();
            tally.evictions.increment();
            tally.evictedPages.add(moved);
            device.manager().emit(() -> new MemoryEvent.Evicted(device.memory().name(), moved));
        }
        return moved;
    }

    private int room() {
        return (int) Math.min(device.availableRam(), Migration.MAX_PAGES);
    }

    /** {@return how many of the pages in certain frames went to RAM} */
    int moveToRam(long[] frames) {
        if (frames.length == 0) {
            return 0;
        }
        try (Machinery.Moving _ = device.startMoving();
                Migration migration = Migration.ofFrames(device.manager(), frames)) {
            for (int i = 0; i < migration.pages(); i++) {
                if (migration.sources().movable(i) && !migration.allocateRam(i)) {
                    break;
                }
            }
            device.transfers().copy(migration);
            return migration.migrate();
        }
    }
}
