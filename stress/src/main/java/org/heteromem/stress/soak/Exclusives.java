package org.heteromem.stress.soak;

import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;

/** Takes pages for a device alone and does atomics there; CPUs, migrators and forks take them back. */
final class Exclusives extends Actor {
    private final SoakDevice device;
    private final ComputeUnit unit;

    Exclusives(World world, String name, long seed, SoakDevice device) {
        super(world, name, seed);
        this.device = device;
        this.unit = device.newUnit();
    }

    @Override
    void release() {
        unit.close();
    }

    @Override
    void step() {
        int p = random.nextInt(Layout.PAGES);
        long address = world.layout.address(p);
        try {
            device.makeExclusive(address);
            world.count(Tally.EXCLUSIVES, 1);
            for (int i = 0; i < 4; i++) {
                world.ledger.announceAdd(p);
                long done = world.ledger.addsDone(p);
                long found = unit.getAndAddLong(address, 1);
                world.ledger.completeAdd(p);
                if (found < done || found >= world.ledger.addsAnnounced(p)) {
                    throw world.wrong(
                            world.space,
                            address,
                            "page " + p + " has counted " + found + " additions; " + done + " were done");
                }
            }
            world.count(Tally.ATOMICS, 4);
        } catch (RuntimeException e) {
            boolean shared = e instanceof MemoryException refused && refused.errno() == Errno.EOPNOTSUPP;
            if (!denied(e) && !shared) {
                throw e;
            }
            world.count(Tally.DENIED, 1);
        }
        if (random.nextInt(4) == 0) {
            Pause.after(random, 1);
        }
    }
}
