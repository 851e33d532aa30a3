package org.heteromem.stress.soak;

import java.util.HashMap;
import java.util.Map;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.Page;

/**
 * Forks children that check what they inherited: every private word has a value that it had during the fork, keeps it
 * whatever the parent writes, and takes the child's own stores without the parent seeing them. Shared words live on.
 */
final class Forks extends Actor {
    private static final long MARK = 0xc5L << 56;
    private static final int PAGES_TO_CHECK = 48;

    Forks(World world, String name, long seed) {
        super(world, name, seed);
    }

    @Override
    void step() {
        long[] floor = world.ledger.copyDone();
        AddressSpace child = world.space.fork();
        try {
            long[] ceiling = world.ledger.copyAnnounced();
            world.count(Tally.FORKS, 1);
            live(child, floor, ceiling);
        } finally {
            child.exit();
        }
        Pause.after(random, 10);
    }

    private void live(AddressSpace child, long[] floor, long[] ceiling) {
        Map<Long, Long> known = new HashMap<>();
        try (Cpu cpu = child.newCpu()) {
            for (int i = 0; i < PAGES_TO_CHECK && !world.stopping(); i++) {
                int p = random.nextInt(Layout.PAGES);
                try {
                    if (Layout.isShared(p)) {
                        shared(child, cpu, p);
                    } else if (random.nextInt(3) == 0) {
                        mark(cpu, p, known);
                    } else {
                        inherited(child, cpu, p, floor, ceiling, known);
                    }
                } catch (AccessException e) {
                    if (!denied(e)) {
                        throw e;
                    }
                    world.count(Tally.DENIED, 1);
                }
                if (random.nextInt(8) == 0) {
                    move(child, p);
                }
            }
            recheck(child, cpu, known);
            if (random.nextInt(3) == 0) {
                AddressSpace grandchild = child.fork();
                try (Cpu other = grandchild.newCpu()) {
                    recheck(grandchild, other, known);
                } finally {
                    grandchild.exit();
                }
            }
        }
    }

    /** A page that moves is where it was at the fork: at one of its places, never at both. */
    private static long address(World world, AddressSpace child, int p) {
        if (!Layout.isMoving(p)) {
            return world.layout.address(p);
        }
        long found = -1;
        for (int place = 0; place < 2; place++) {
            long address = Layout.movingAddress(place, p);
            if (child.areas().stream().anyMatch(a -> a.address() <= address && address < a.address() + a.length())) {
                if (found >= 0) {
                    throw world.wrong(child, address, "page " + p + " is mapped at both of its places");
                }
                found = address;
            }
        }
        if (found < 0) {
            throw world.wrong(child, Layout.movingAddress(0, p), "page " + p + " is mapped at none of its places");
        }
        return found;
    }

    private void inherited(AddressSpace child, Cpu cpu, int p, long[] floor, long[] ceiling, Map<Long, Long> known) {
        int writer = random.nextInt(Ledger.WRITERS);
        long address = address(world, child, p) + Ledger.offset(writer, Ledger.LONG);
        long found = cpu.loadLong(address);
        Long before = known.putIfAbsent(address, found);
        if (before != null) {
            same(child, address, found, before);
            return;
        }
        int word = Ledger.word(p, writer, Ledger.LONG);
        long version = Ledger.longVersion(p, writer, found);
        if (version < floor[word] || version > ceiling[word]) {
            throw world.wrong(
                    child,
                    address,
                    "page " + p + ", word of writer " + writer + " was inherited as 0x" + Long.toHexString(found)
                            + " (version " + version + "); during the fork it was " + floor[word] + " to "
                            + ceiling[word]);
        }
        world.count(Tally.CHILD_CHECKS, 1);
    }

    private void mark(Cpu cpu, int p, Map<Long, Long> known) {
        if (Layout.isMoving(p)) {
            return;
        }
        int writer = random.nextInt(Ledger.WRITERS);
        long address = world.layout.address(p) + Ledger.offset(writer, Ledger.LONG);
        long value = MARK | random.nextInt(1 << 30);
        cpu.storeLong(address, value);
        known.put(address, value);
    }

    private void shared(AddressSpace child, Cpu cpu, int p) {
        long address = world.layout.address(p);
        world.ledger.announceAdd(p);
        long done = world.ledger.addsDone(p);
        long found = cpu.getAndAddLong(address, 1);
        world.ledger.completeAdd(p);
        if (found < done || found >= world.ledger.addsAnnounced(p)) {
            throw world.wrong(
                    child,
                    address,
                    "shared page " + p + " has counted " + found + " additions; " + done + " were done");
        }
        world.count(Tally.ATOMICS, 1);
    }

    private void move(AddressSpace child, int p) {
        try {
            (random.nextBoolean() ? world.gpu : world.cxl)
                    .takeIn(child, address(world, child, p), 1 + random.nextInt(4), SoakDevice.Holes.LEAVE);
        } catch (org.heteromem.core.MemoryException e) {
            world.count(Tally.REFUSED, 1);
        }
    }

    private void recheck(AddressSpace space, Cpu cpu, Map<Long, Long> known) {
        for (Map.Entry<Long, Long> entry : known.entrySet()) {
            try {
                same(space, entry.getKey(), cpu.loadLong(entry.getKey()), entry.getValue());
            } catch (AccessException e) {
                if (!denied(e)) {
                    throw e;
                }
            }
        }
        world.count(Tally.CHILD_CHECKS, known.size());
    }

    private void same(AddressSpace space, long address, long found, long before) {
        if (found != before) {
            throw world.wrong(
                    space,
                    address,
                    "a private word of page 0x" + Long.toHexString(Page.of(address)) + " held 0x"
                            + Long.toHexString(before) + " and now 0x" + Long.toHexString(found)
                            + " although this process did not write it");
        }
    }
}
