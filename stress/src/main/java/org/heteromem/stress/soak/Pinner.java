package org.heteromem.stress.soak;

import java.lang.foreign.MemorySegment;
import org.heteromem.core.Access;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;

/** Holds pages from outside and transfers through them, as a driver without a mirror does. */
final class Pinner extends Actor {
    private final int writer;
    private final long[] buffer = new long[1];
    private final MemorySegment word = MemorySegment.ofArray(buffer);

    Pinner(World world, String name, long seed, int writer) {
        super(world, name, seed);
        this.writer = writer;
    }

    @Override
    void step() {
        int p = random.nextInt(Layout.PAGES);
        long address = world.layout.address(p);
        try {
            switch (random.nextInt(4)) {
                case 0 -> {
                    try (PageReferences held = Pins.get(world.space, address, 1, Access.READ)) {
                        // A plain reference does not keep the process on this page: what it holds may be of the past.
                        read(held, p, 0);
                    }
                }
                case 1 -> {
                    try (PageReferences held = Pins.pin(world.space, address, 1, Access.READ)) {
                        readSeveral(held, p);
                    }
                }
                case 2 -> {
                    try (PageReferences held = Pins.pinLongTerm(world.space, address, 1, Access.READ)) {
                        readSeveral(held, p);
                    }
                }
                default -> {
                    try (PageReferences held = Pins.pin(world.space, address, 1, Access.WRITE)) {
                        for (int i = 0; i < 4; i++) {
                            write(held, p);
                        }
                    }
                }
            }
            world.count(Tally.PINS, 1);
        } catch (MemoryException e) {
            if (!denied(e) && e.errno() != Errno.EBUSY) {
                throw e;
            }
            world.count(Tally.DENIED, 1);
        }
        if (random.nextInt(4) == 0) {
            Pause.after(random, 2);
        }
    }

    private void readSeveral(PageReferences held, int p) {
        for (int i = 0; i < 4; i++) {
            read(held, p, 1);
            if (random.nextInt(8) == 0) {
                Pause.after(random, 1);
            }
        }
    }

    private void read(PageReferences held, int p, int current) {
        int of = random.nextInt(Ledger.WRITERS);
        int index = Ledger.word(p, of, Ledger.LONG);
        long floor = current * world.ledger.done(index);
        held.read(0, Ledger.offset(of, Ledger.LONG), word, 0, Long.BYTES);
        java.lang.invoke.VarHandle.loadLoadFence();
        long ceiling = world.ledger.announced(index);
        long version = Ledger.longVersion(p, of, buffer[0]);
        if (version < floor || version > ceiling) {
            throw world.wrong(
                    world.space,
                    world.layout.address(p),
                    "held page " + p + ", frame 0x" + Long.toHexString(held.frame(0)) + ", word of writer " + of
                            + " holds 0x" + Long.toHexString(buffer[0]) + " (version " + version + "); it must be "
                            + floor + " to " + ceiling);
        }
        world.count(Tally.PIN_TRANSFERS, 1);
    }

    private void write(PageReferences held, int p) {
        int index = Ledger.word(p, writer, Ledger.LONG);
        long version = world.ledger.announce(index);
        buffer[0] = Ledger.longValue(p, writer, version);
        held.write(0, Ledger.offset(writer, Ledger.LONG), word, 0, Long.BYTES);
        world.ledger.complete(index, version);
        world.count(Tally.PIN_TRANSFERS, 1);
    }
}
