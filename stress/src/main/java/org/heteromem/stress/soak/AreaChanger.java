package org.heteromem.stress.soak;

import org.heteromem.core.Advice;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;

/** Changes protections, gives advice that keeps contents, locks and unlocks: all over the private and shared pages. */
final class AreaChanger extends Actor {
    private static final Advice[] HARMLESS = {
        Advice.COLD,
        Advice.PAGEOUT,
        Advice.WILLNEED,
        Advice.FREE,
        Advice.HUGEPAGE,
        Advice.NOHUGEPAGE,
        Advice.POPULATE_READ,
        Advice.POPULATE_WRITE
    };

    AreaChanger(World world, String name, long seed) {
        super(world, name, seed);
    }

    @Override
    void step() {
        int first = random.nextInt(Layout.PRIVATE + Layout.SHARED);
        int limit = first < Layout.PRIVATE ? Layout.PRIVATE : Layout.PRIVATE + Layout.SHARED;
        int count = Math.min(limit - first, 1 + random.nextInt(32));
        long address = world.layout.address(first);
        long bytes = Page.address(count);
        try {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    protect(address, bytes, random.nextInt(4) == 0 ? Protection.NONE : Protection.READ);
                }
                case 3 -> {
                    world.space.lock(address, bytes);
                    world.count(Tally.LOCKS, 1);
                }
                case 4 -> {
                    world.space.unlock(address, bytes);
                    world.count(Tally.LOCKS, 1);
                }
                default -> {
                    world.space.advise(address, bytes, HARMLESS[random.nextInt(HARMLESS.length)]);
                    world.count(Tally.ADVICE, 1);
                }
            }
        } catch (MemoryException e) {
            // Locked areas refuse advice, areas without access cannot be populated.
            if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOMEM && e.errno() != Errno.EFAULT) {
                throw e;
            }
            world.count(Tally.REFUSED, 1);
        }
        Pause.after(random, 10);
    }

    private void protect(long address, long bytes, Protection narrow) {
        world.space.protect(address, bytes, narrow);
        Pause.after(random, 2);
        world.space.protect(address, bytes, Protection.READ_WRITE);
        world.count(Tally.PROTECTS, 2);
    }

    @Override
    void finish() {
        for (int p : new int[] {0, Layout.PRIVATE}) {
            long bytes = Page.address(p == 0 ? Layout.PRIVATE : Layout.SHARED);
            world.space.protect(world.layout.address(p), bytes, Protection.READ_WRITE);
            world.space.unlock(world.layout.address(p), bytes);
        }
    }
}
