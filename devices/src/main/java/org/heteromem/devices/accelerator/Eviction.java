package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.Migration.Select;
import org.heteromem.core.policy.BlockView;

/**
 * Makes room on the device by moving blocks, chosen by the policy, to RAM. Pages that are busy stay, and another block is
 * asked.
 *
 * <p>Works by frame where it can, which finds a page in all processes that share it, and needs no process's lock. Pages of
 * live processes go by address, under their process's lock: placing a page there takes effect at once and cannot be taken
 * back, so it must be impossible that the process frees the page at the same moment.
 */
final class Eviction {
    private static final BitSet NONE = new BitSet();
    private static final Set<Select> OWN = Set.of(Select.DEVICE_PRIVATE);

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
        while (device.pool().freeForNewPages() < goal && room(goal) > 0) {
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
        int most = room(block.pagesOnDevice());
        int moved = device.host().reachable()
                ? moveToRam(device.pool().framesOf(block, keep, most))
                : moveToRam(block, keep, most);
        if (moved > 0) {
            Tally tally = device.tally();
            tally.evictions.increment();
            tally.evictedPages.add(moved);
            device.manager().emit(() -> new MemoryEvent.Evicted(device.memory().name(), moved));
        }
        return moved;
    }

    /** {@return how many frames of RAM there are, after an attempt to have as many as are wanted} */
    private int room(int wanted) {
        long available = device.availableRam();
        if (available < wanted) {
            device.host().makeRoom(wanted - available);
            available = device.availableRam();
        }
        return (int) Math.min(available, Migration.MAX_PAGES);
    }

    /** By address: run by run, so that what stays is not even stopped. */
    private int moveToRam(DeviceBlock block, BitSet keep, int most) {
        Mirror mirror = device.mirrorOf(block);
        int moved = 0;
        for (int page = 0; mirror != null && page < Page.PER_BLOCK && moved < most; page++) {
            int first = page;
            while (page < Page.PER_BLOCK && page - first < most - moved && block.onDevice(page) && !keep.get(page)) {
                page++;
            }
            if (page > first) {
                moved += moveToRam(mirror, block.firstPage() + first, page - first);
            }
        }
        return moved;
    }

    private int moveToRam(Mirror mirror, long firstPage, int pages) {
        try (Machinery.Moving _ = device.startMoving();
                Migration migration =
                        Migration.setup(mirror.space(), Page.address(firstPage), Page.address(pages), OWN, device)) {
            // The notifier leaves the entries of our own migrations to us: they go before anything is copied.
            mirror.forget(migration);
            migration.allocateRam();
            device.transfers().copy(migration);
            return migration.migrate();
        } catch (MemoryException e) {
            // The process unmapped it meanwhile, or has exited: what is gone needs no move.
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            return 0;
        }
    }

    /** {@return how many of the pages in certain frames went to RAM} */
    int moveToRam(long[] frames) {
        if (frames.length == 0) {
            return 0;
        }
        try (Machinery.Moving _ = device.startMoving();
                Migration migration = Migration.ofFrames(device.manager(), frames)) {
            migration.allocateRam();
            device.transfers().copy(migration);
            return migration.migrate();
        }
    }
}
