package org.heteromem.stress.soak;

import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.migrate.Migration;

/** The actors that move pages without anybody having asked for it. */
final class Movers {
    private static final int BATCH = 24;

    private Movers() {}

    /** Moves runs of addresses to one device or the other. */
    static final class ToDevice extends Actor {
        ToDevice(World world, String name, long seed) {
            super(world, name, seed);
        }

        @Override
        void step() {
            SoakDevice device = random.nextBoolean() ? world.gpu : world.cxl;
            world.migrateSomewhere(
                    device, random, random.nextInt(4) == 0 ? SoakDevice.Holes.FILL : SoakDevice.Holes.LEAVE);
            if (random.nextInt(4) == 0) {
                Thread.yield();
            }
        }
    }

    /** Empties frames of the devices, whoever maps them. */
    static final class FromDevice extends Actor {
        FromDevice(World world, String name, long seed) {
            super(world, name, seed);
        }

        @Override
        void step() {
            SoakDevice device = random.nextBoolean() ? world.gpu : world.cxl;
            long[] victims = new long[BATCH];
            long at = random.nextLong(device.memory().frames());
            for (int i = 0; i < victims.length; i++) {
                victims[i] = device.memory().firstFrame()
                        + (at + i) % device.memory().frames();
            }
            device.evict(victims);
            if (random.nextBoolean()) {
                Thread.yield();
            }
        }
    }

    /** Moves frames from one node of RAM to the other and back. */
    static final class BetweenNodes extends Actor {
        BetweenNodes(World world, String name, long seed) {
            super(world, name, seed);
        }

        @Override
        void step() {
            List<MemoryNode> nodes = world.manager.nodes();
            int from = random.nextInt(2);
            MemoryNode source = nodes.get(from);
            MemoryNode target = nodes.get(1 - from);
            long[] victims = new long[BATCH];
            for (int i = 0; i < victims.length; i++) {
                victims[i] = source.firstFrame() + random.nextLong(source.frames());
            }
            try (Migration migration = Migration.ofFrames(world.manager, victims)) {
                for (int i = 0; i < victims.length; i++) {
                    if (migration.sources().movable(i) && migration.allocateRam(i, target)) {
                        migration.copy(i);
                    }
                }
                world.count(Tally.MOVED_BETWEEN_NODES, migration.migrate());
            }
            if (random.nextBoolean()) {
                Thread.yield();
            }
        }
    }

    /** Moves chunks of the address space from one place to the other. */
    static final class Remapper extends Actor {
        Remapper(World world, String name, long seed) {
            super(world, name, seed);
        }

        @Override
        void step() {
            int chunk = random.nextInt(Layout.CHUNKS);
            int from = world.layout.place(chunk);
            long bytes = Page.address(Layout.CHUNK);
            world.space.remap(
                    world.layout.chunkAddress(chunk, from),
                    bytes,
                    world.layout.chunkAddress(chunk, 1 - from),
                    org.heteromem.core.RemapMode.MOVE);
            world.layout.moved(chunk, 1 - from);
            world.count(Tally.REMAPS, 1);
            Pause.after(random, 20);
        }
    }
}
