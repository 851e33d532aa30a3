package org.heteromem.devices.storage;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.heteromem.core.device.DeviceMemory;

/**
 * The copies of clean pages that a device keeps: whether more are worth it, and which go when room is needed, oldest first.
 * A copy has been of use if its page leaves RAM again unwritten, and of no use if it is written or freed before. Thread-safe.
 */
final class Copies {
    private static final VarHandle BITS = MethodHandles.arrayElementVarHandle(long[].class);

    /** So many pages are made room for at once. */
    private static final int DROPPED_AT_ONCE = 64;
    /** One in so many pages is still tried while copies are not worth it. */
    private static final int SAMPLE = 32;
    /** Outcomes after which the older half counts half. */
    private static final int MEMORY = 512;
    /**
     * A copy of use saves compressing or writing a page, one of no use costs a fault: not worth it unless so many times as
     * many are of use.
     */
    private static final int WORTH = 2;

    private final DeviceMemory memory;
    private final PageStore store;
    private final KeepCopies keep;
    private final Traffic traffic;
    private final ArrivalQueue order;
    /** A bit for each slot that is a copy. */
    private final long[] copies;

    private final AtomicInteger present = new AtomicInteger();
    private final AtomicInteger tries = new AtomicInteger();
    private final AtomicInteger useful = new AtomicInteger();
    private final AtomicInteger useless = new AtomicInteger();

    Copies(DeviceMemory memory, PageStore store, KeepCopies keep, Traffic traffic) {
        this.memory = memory;
        this.store = store;
        this.keep = keep;
        this.traffic = traffic;
        this.copies = new long[(int) ((memory.frames() + Long.SIZE - 1) / Long.SIZE)];
        this.order = new ArrivalQueue((slot, arrival) -> {
            long frame = memory.firstFrame() + slot;
            return memory.isCopy(frame) && Outbound.arrival(memory.driverData(frame)) == arrival;
        });
    }

    /** {@return whether copies of the next pages that go home shall stay} */
    boolean wanted() {
        return switch (keep) {
            case NEVER -> false;
            case ALWAYS -> true;
            case LEARNING ->
                store.bytesUsed() <= store.capacityBytes() / 4 * 3
                        && (useful.get() >= WORTH * useless.get() || tries.incrementAndGet() % SAMPLE == 0);
        };
    }

    /** {@return the first of some consecutive numbers of copies} */
    int number(int pages) {
        return order.number(pages);
    }

    /** Neighbouring copies have stayed, unless their pages were written at once. */
    void kept(int slot, int pages, int number) {
        int end = slot + pages;
        for (int i = slot; i < end; ) {
            int stop = (int) Words.stop(i, end);
            long bits = Words.bits(i, stop);
            long before = (long) BITS.getAndBitwiseOr(copies, i / Long.SIZE, bits);
            present.addAndGet(Long.bitCount(bits & ~before));
            i = stop;
        }
        int stayed = 0;
        // Only now: who gave one back before it was noted has noted nothing.
        for (int i = slot; i < end; i++) {
            if (memory.isCopy(memory.firstFrame() + i)) {
                stayed++;
            } else {
                freed(i);
            }
        }
        traffic.copiesKept.add(stayed);
        order.add(slot, pages, number);
    }

    private boolean forget(int slot) {
        boolean was = isNoted(slot)
                && ((long) BITS.getAndBitwiseAnd(copies, slot / Long.SIZE, ~(1L << slot)) & 1L << slot) != 0;
        if (was) {
            present.decrementAndGet();
        }
        return was;
    }

    /** {@return whether a slot is noted as a copy} */
    boolean isNoted(int slot) {
        return ((long) BITS.getVolatile(copies, slot / Long.SIZE) & 1L << slot) != 0;
    }

    /** Names the slot of each copy, once for each time that it is in the list. */
    void forEachThere(IntConsumer action) {
        order.forEachThere(action);
    }

    /** {@return how many copies there are} */
    int present() {
        return present.get();
    }

    /** A page has gone back to its copy. */
    void used(int slot) {
        forget(slot);
        traffic.copiesUsed.increment();
        count(useful);
    }

    /** A slot is free: if it was a copy, that was in vain. */
    void freed(int slot) {
        if (forget(slot)) {
            count(useless);
        }
    }

    private void count(AtomicInteger outcome) {
        if (outcome.incrementAndGet() + (outcome == useful ? useless : useful).get() > MEMORY) {
            useful.updateAndGet(n -> n / 2);
            useless.updateAndGet(n -> n / 2);
        }
    }

    /** Gives up the oldest copies; returns how many. */
    int drop(int most) {
        int dropped = 0;
        while (dropped < most) {
            long[] oldest = order.poll(most - dropped);
            if (oldest.length == 0) {
                break;
            }
            for (long one : oldest) {
                int slot = ArrivalQueue.slot(one);
                // That is nobody's fault, so it does not count as of no use.
                forget(slot);
                dropped += memory.dropCopy(memory.firstFrame() + slot) ? 1 : 0;
            }
        }
        traffic.copiesDropped.add(dropped);
        return dropped;
    }

    /** {@return whether some copies could be given up} */
    boolean makeRoom() {
        return drop(DROPPED_AT_ONCE) > 0;
    }
}
