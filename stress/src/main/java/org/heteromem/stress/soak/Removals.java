package org.heteromem.stress.soak;

import org.heteromem.core.device.DeviceKind;

/** Plugs a device in, has pages of everybody moved there, and takes it out again while they are in use. */
final class Removals extends Actor {
    private static final int PAGES = 32;
    private static final int MOVES = 6;

    Removals(World world, String name, long seed) {
        super(world, name, seed);
    }

    @Override
    void step() {
        DeviceKind kind = random.nextBoolean() ? DeviceKind.PRIVATE : DeviceKind.COHERENT;
        SoakDevice device = new SoakDevice(world, "hot", kind, PAGES, random.nextLong());
        for (int i = 0; i < MOVES; i++) {
            world.migrateSomewhere(device, random, SoakDevice.Holes.LEAVE);
        }
        Pause.after(random, 5);
        device.remove();
        world.count(Tally.REMOVALS, 1);
        Pause.after(random, 50);
    }
}
