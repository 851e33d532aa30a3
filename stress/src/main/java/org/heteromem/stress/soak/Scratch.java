package org.heteromem.stress.soak;

import org.heteromem.core.AccessException;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;

/** Writes, throws away, unmaps and guards pages that one thread alone uses; the others move them meanwhile. */
final class Scratch extends Actor {
    private final long base;
    private final Cpu cpu;
    private final long[] expected = new long[Layout.SCRATCH];
    private final boolean[] guarded = new boolean[Layout.SCRATCH];
    private long next = 1;

    Scratch(World world, String name, long seed, int which) {
        super(world, name, seed);
        this.base = Layout.scratch(which);
        this.cpu = world.space.newCpu();
    }

    @Override
    void release() {
        cpu.close();
    }

    @Override
    void step() {
        int first = random.nextInt(Layout.SCRATCH);
        int count = Math.min(Layout.SCRATCH - first, 1 + random.nextInt(8));
        switch (random.nextInt(16)) {
            case 0 -> {
                world.space.advise(address(first), Page.address(count), Advice.DONTNEED);
                forget(first, count, false);
            }
            case 1 -> {
                world.space.unmap(address(first), Page.address(count));
                world.space.mapAt(address(first), Page.address(count), Protection.READ_WRITE, Sharing.PRIVATE);
                forget(first, count, true);
            }
            case 2 -> {
                world.space.advise(address(first), Page.address(count), Advice.GUARD_INSTALL);
                forget(first, count, false);
                for (int p = first; p < first + count; p++) {
                    guarded[p] = true;
                }
            }
            case 3 -> {
                world.space.advise(address(first), Page.address(count), Advice.GUARD_REMOVE);
                for (int p = first; p < first + count; p++) {
                    guarded[p] = false;
                }
            }
            case 4, 5, 6, 7 -> {
                for (int p = first; p < first + count; p++) {
                    check(p);
                }
            }
            default -> {
                check(first);
                if (!guarded[first]) {
                    expected[first] = next++;
                    cpu.storeLong(address(first), expected[first]);
                    cpu.storeLong(address(first) + Page.SIZE - 8, expected[first]);
                }
            }
        }
        if (random.nextInt(32) == 0) {
            Pause.after(random, 2);
        }
    }

    private long address(int p) {
        return base + Page.address(p);
    }

    private void forget(int first, int count, boolean guardsToo) {
        for (int p = first; p < first + count; p++) {
            expected[p] = 0;
            guarded[p] &= !guardsToo;
        }
    }

    private void check(int p) {
        long[] found = new long[2];
        boolean denied = false;
        try {
            found[0] = cpu.loadLong(address(p));
            found[1] = cpu.loadLong(address(p) + Page.SIZE - 8);
        } catch (AccessException e) {
            if (!denied(e)) {
                throw e;
            }
            denied = true;
        }
        if (denied != guarded[p] || found[0] != expected[p] || found[1] != expected[p]) {
            throw world.wrong(
                    world.space,
                    address(p),
                    "scratch page holds " + found[0] + " and " + found[1] + (denied ? " (denied)" : "") + "; only this"
                            + " thread writes it, and wrote " + expected[p] + (guarded[p] ? " (guarded)" : ""));
        }
        world.count(Tally.SCRATCH_CHECKS, 1);
    }
}
