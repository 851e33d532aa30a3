package org.heteromem.devices.accelerator;

import org.heteromem.core.Page;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.migrate.Migration;
import org.heteromem.core.migrate.SourceEntries;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.policy.MemoryView;
import org.heteromem.core.policy.PressureHandler;

/**
 * RAM is short: moves its coldest anonymous pages to the device, while the device has room.
 *
 * <p>Why a program that needs all of RAM and device still goes on: a new page never takes the last frames of a memory
 * (the reserve, in RAM and on the device), while a page that moves may, as it gives back what it takes. So however full the
 * memories are, there are free frames in one of the two, and pages can be exchanged through them.
 */
final class PressureRelief implements PressureHandler {
    // Attempts that find others moving pages cost little: what they hold twice for the moment comes free.
    private static final int PATIENCE = 1 << 15;
    private static final int QUIET_ATTEMPT = PATIENCE / 32;
    private static final long MAX_RESERVE = 64;
    private static final long RESERVE_SHARE = 64;
    private static final long MIN_RESERVE = 2;

    private final Machinery device;

    PressureRelief(Machinery device) {
        this.device = device;
    }

    /** {@return how many of a memory's frames new pages leave alone: a 64th, from 2 to 64} */
    static int reserveOf(long frames) {
        return (int) Math.clamp(frames / RESERVE_SHARE, Math.min(MIN_RESERVE, frames / 2), MAX_RESERVE);
    }

    @Override
    public long reserve(MemoryNode node) {
        return reserveOf(node.frames());
    }

    @Override
    public long relieve(MemoryNode node, long frames) {
        return relieve(FrameDemand.NEW_PAGE, node, frames);
    }

    @Override
    public long relieve(FrameDemand demand, MemoryNode node, long frames) {
        if (device.memory().removed()) {
            return 0;
        }
        MemoryView ram = new MemoryView("node" + node.id(), node.frames(), node.freeFrames());
        long wish = Math.max(frames, device.policies().placement().pressure(ram, device.view(), frames));
        for (int patience = PATIENCE; patience > 0; ) {
            int count = (int) Math.min(wish, device.pool().free());
            int moved = count == 0 ? 0 : demote(device.manager().coldFrames(node, count));
            if (moved > 0) {
                return moved;
            }
            if (available(demand) > 0) {
                return 1;
            }
            patience -= device.moving() ? 1 : QUIET_ATTEMPT;
            Thread.yield();
        }
        return 0;
    }

    /** {@return how many frames there are for a use by now: others may have made room} */
    private long available(FrameDemand demand) {
        if (demand == FrameDemand.NEW_PAGE) {
            return device.freeRam();
        }
        return device.availableRam();
    }

    private int demote(long[] cold) {
        if (cold.length == 0) {
            return 0;
        }
        try (Machinery.Moving _ = device.startMoving();
                Migration migration = Migration.ofFrames(device.manager(), cold)) {
            SourceEntries sources = migration.sources();
            for (int i = 0; i < migration.pages(); i++) {
                if (!sources.movable(i)) {
                    continue;
                }
                long frame = device.pool().allocate();
                if (frame == FramePool.NONE || !device.memory().tryInitFrame(frame)) {
                    break;
                }
                sources.mapping(i, (space, address) -> {
                    long page = Page.of(address);
                    device.pool().assign(frame, device.mirror(space).table().block(page), page);
                });
                migration.setDestination(i, frame);
            }
            device.transfers().copy(migration);
            int moved = migration.migrate();
            device.tally().toDeviceUnderPressure.add(moved);
            return moved;
        }
    }
}
