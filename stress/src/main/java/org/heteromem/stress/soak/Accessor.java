package org.heteromem.stress.soak;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.heteromem.core.MemoryAccess;

/** Loads and stores like a program: a CPU thread, or a thread of a kernel on a device. Both go through the same code. */
final class Accessor extends Actor {
    private final MemoryAccess memory;
    private final Runnable close;
    private final int writer;
    private final long[] lastSeen;
    private final long[] lastAdds;
    private final long[] buffer = new long[512];
    private final MemorySegment page = MemorySegment.ofArray(buffer);

    Accessor(World world, String name, long seed, int writer, MemoryAccess memory, Runnable close) {
        super(world, name, seed);
        this.memory = memory;
        this.close = close;
        this.writer = writer;
        this.lastSeen = new long[world.ledger.words()];
        this.lastAdds = new long[world.ledger.pages];
    }

    @Override
    void release() {
        close.run();
    }

    @Override
    void step() {
        // Half of the touches go to a few pages: there threads meet.
        int p = random.nextInt(random.nextBoolean() ? 8 : Layout.PAGES);
        if (p < 8) {
            p = p * 61 % Layout.PAGES;
        }
        try {
            switch (random.nextInt(10)) {
                case 0, 1 -> storeLong(p);
                case 2 -> storeInt(p);
                case 3 -> storeBulk(p);
                case 4 -> add(p);
                case 5 -> readAdds(p);
                case 6 -> readBulk(p);
                default -> read(p, random.nextInt(Ledger.WRITERS), random.nextInt(Ledger.SLOTS));
            }
        } catch (RuntimeException e) {
            if (!denied(e)) {
                throw e;
            }
            world.count(Tally.DENIED, 1);
        }
    }

    // ---- stores ------------------------------------------------------------------------------------------------

    private void storeLong(int p) {
        int word = Ledger.word(p, writer, Ledger.LONG);
        long address = world.layout.address(p) + Ledger.offset(writer, Ledger.LONG);
        long version = world.ledger.announce(word);
        long before = Ledger.longValue(p, writer, version - 1);
        long after = Ledger.longValue(p, writer, version);
        if (random.nextBoolean()) {
            own(address, memory.loadLong(address), before);
            memory.storeLong(address, after);
        } else if (!memory.compareAndSetLong(address, before, after)) {
            own(address, memory.loadLong(address), before);
            throw world.wrong(
                    world.space, address, "a word that only this thread writes failed to compare with itself");
        }
        world.ledger.complete(word, version);
        world.count(Tally.STORES, 1);
    }

    private void own(long address, long found, long expected) {
        if (found != expected) {
            throw world.wrong(
                    world.space,
                    address,
                    "own word holds 0x" + Long.toHexString(found) + " but this thread stored 0x"
                            + Long.toHexString(expected));
        }
    }

    private void storeInt(int p) {
        int word = Ledger.word(p, writer, Ledger.INT);
        long address = world.layout.address(p) + Ledger.offset(writer, Ledger.INT);
        long version = world.ledger.announce(word);
        own(address, memory.loadInt(address), Ledger.intValue(p, version - 1));
        memory.storeInt(address, Ledger.intValue(p, version));
        world.ledger.complete(word, version);
        world.count(Tally.STORES, 1);
    }

    private void storeBulk(int p) {
        int word = Ledger.word(p, writer, Ledger.BULK);
        long address = world.layout.address(p) + Ledger.offset(writer, Ledger.BULK);
        long version = world.ledger.announce(word);
        for (int i = 0; i < Ledger.BULK_WORDS; i++) {
            buffer[i] = Ledger.longValue(p, writer, version);
        }
        memory.write(address, page, 0, Ledger.BULK_WORDS * (long) Long.BYTES);
        world.ledger.complete(word, version);
        world.count(Tally.BULK_COPIES, 1);
    }

    private void add(int p) {
        long address = world.layout.address(p);
        world.ledger.announceAdd(p);
        long done = world.ledger.addsDone(p);
        adds(p, address, memory.getAndAddLong(address, 1), done);
        world.ledger.completeAdd(p);
        world.count(Tally.ATOMICS, 1);
    }

    // ---- loads -------------------------------------------------------------------------------------------------

    private void readAdds(int p) {
        long address = world.layout.address(p);
        long done = world.ledger.addsDone(p);
        adds(p, address, memory.loadLong(address), done);
        world.count(Tally.LOADS, 1);
    }

    private void adds(int p, long address, long found, long done) {
        long announced = world.ledger.addsAnnounced(p);
        long floor = Math.max(done, lastAdds[p]);
        if (found < floor || found > announced) {
            throw world.wrong(
                    world.space,
                    address,
                    "page " + p + " has counted " + found + " additions; " + floor + " were done, " + announced
                            + " announced");
        }
        lastAdds[p] = found;
    }

    private void read(int p, int of, int slot) {
        int word = Ledger.word(p, of, slot);
        long address = world.layout.address(p) + Ledger.offset(of, slot);
        long done = world.ledger.done(word);
        long version;
        if (slot == Ledger.INT) {
            int found = memory.loadInt(address);
            version = Ledger.intVersion(p, found);
            check(p, of, word, address, version, done, found);
        } else {
            long at = slot == Ledger.BULK ? address + 8L * random.nextInt(Ledger.BULK_WORDS) : address;
            long found = memory.loadLong(at);
            version = Ledger.longVersion(p, of, found);
            // The words of a bulk store come one after the other: each has its own past, all have the same bounds.
            check(p, of, slot == Ledger.BULK ? -1 : word, at, version, done, found);
            if (slot == Ledger.BULK) {
                bounds(p, of, at, version, done, world.ledger.announced(word), found);
            }
        }
        world.count(Tally.LOADS, 1);
    }

    private void check(int p, int of, int word, long address, long version, long done, long found) {
        if (word < 0) {
            return;
        }
        bounds(p, of, address, version, Math.max(done, lastSeen[word]), world.ledger.announced(word), found);
        lastSeen[word] = version;
    }

    private void bounds(int p, int of, long address, long version, long floor, long ceiling, long found) {
        if (version < floor || version > ceiling) {
            throw world.wrong(
                    world.space,
                    address,
                    "page " + p + ", word of writer " + of + " holds 0x" + Long.toHexString(found) + " (version "
                            + version + "); it must be " + floor + " to " + ceiling);
        }
    }

    private void readBulk(int p) {
        long address = world.layout.address(p);
        long[] done = new long[Ledger.WRITERS * 2];
        for (int w = 0; w < Ledger.WRITERS; w++) {
            done[2 * w] = world.ledger.done(Ledger.word(p, w, Ledger.LONG));
            done[2 * w + 1] = world.ledger.done(Ledger.word(p, w, Ledger.BULK));
        }
        int bytes = Ledger.offset(Ledger.WRITERS, Ledger.LONG);
        memory.read(address, page, 0, bytes);
        for (int w = 0; w < Ledger.WRITERS; w++) {
            int word = Ledger.word(p, w, Ledger.LONG);
            int at = Ledger.offset(w, Ledger.LONG);
            long found = page.get(ValueLayout.JAVA_LONG, at);
            check(p, w, word, address + at, Ledger.longVersion(p, w, found), done[2 * w], found);
            int bulk = Ledger.offset(w, Ledger.BULK);
            for (int i = 0; i < Ledger.BULK_WORDS; i++) {
                long part = page.get(ValueLayout.JAVA_LONG, bulk + 8L * i);
                bounds(
                        p,
                        w,
                        address + bulk + 8L * i,
                        Ledger.longVersion(p, w, part),
                        done[2 * w + 1],
                        world.ledger.announced(Ledger.word(p, w, Ledger.BULK)),
                        part);
            }
        }
        world.count(Tally.BULK_COPIES, 1);
    }
}
