package org.heteromem.core.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Counts and page lock of a frame. Each class named Seeded does in two steps what must be one. */
public final class FrameStress {
    private static final int FRAMES = 1 << 16;
    private static final FrameTable TABLE = new FrameTable();
    private static final FrameRange RANGE = TABLE.add(0, FRAMES, new Machines.CountingOwner());
    private static final AtomicInteger NEXT = new AtomicInteger();

    private FrameStress() {}

    /** A frame in use. */
    @State
    public static class OneFrame {
        /** Its number. */
        final long frame = NEXT.getAndIncrement() & (FRAMES - 1);

        OneFrame(int flags) {
            Section section = RANGE.section(frame);
            section.words[section.word(frame, Frames.COUNTS)] = 0;
            TABLE.prepare(frame, flags);
        }

        final int references(long counts) {
            return Frames.references(counts) - Frames.mappings(counts);
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "each mapping has its reference")
    @Outcome(expect = FORBIDDEN, desc = "a count was visible wrong in between")
    @State
    public static class MappingProduct extends OneFrame {
        public MappingProduct() {
            super(0);
        }

        @Actor
        public void mapper() {
            TABLE.addMapping(frame);
        }

        @Actor
        public void migrator(I_Result r) {
            r.r1 = references(TABLE.counts(frame));
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "each mapping has its reference")
    @Outcome(expect = FORBIDDEN, desc = "a count was visible wrong in between")
    @State
    public static class MappingSeededTwoSteps extends OneFrame {
        public MappingSeededTwoSteps() {
            super(0);
        }

        @Actor
        public void mapper() {
            TABLE.addMappingOwnReference(frame);
            Thread.onSpinWait();
            TABLE.get(frame);
        }

        @Actor
        public void migrator(I_Result r) {
            r.r1 = references(TABLE.counts(frame));
        }
    }

    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "taken before the last was put: held")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "too late: free")
    @Outcome(expect = FORBIDDEN, desc = "a freed frame is held, or a held one free")
    @State
    public static class LastPutProduct extends OneFrame {
        public LastPutProduct() {
            super(0);
        }

        @Actor
        public void holder() {
            TABLE.put(frame);
        }

        @Actor
        public void seeker(II_Result r) {
            r.r1 = TABLE.tryGet(frame) ? 1 : 0;
        }

        @Arbiter
        public void after(II_Result r) {
            r.r2 = TABLE.references(frame);
        }
    }

    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "taken before the last was put: held")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "too late: free")
    @Outcome(expect = FORBIDDEN, desc = "a freed frame is held, or a held one free")
    @State
    public static class LastPutSeededLookThenTake extends OneFrame {
        public LastPutSeededLookThenTake() {
            super(0);
        }

        @Actor
        public void holder() {
            TABLE.put(frame);
        }

        @Actor
        public void seeker(II_Result r) {
            if (TABLE.references(frame) > 0) {
                try {
                    TABLE.get(frame);
                    r.r1 = 1;
                } catch (IllegalStateException e) {
                    // The product notices that the frame was free, after the fact.
                    r.r1 = -1;
                }
            }
        }

        @Arbiter
        public void after(II_Result r) {
            r.r2 = TABLE.references(frame);
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "woken")
    @Outcome(expect = FORBIDDEN, desc = "waits for ever")
    @State
    public static class WaitProduct extends OneFrame {
        private volatile int woken;

        public WaitProduct() {
            super(Frames.LOCKED);
        }

        @Actor
        public void holder() {
            TABLE.unlock(frame);
        }

        @Actor
        public void waiter() {
            TABLE.unlocked(frame).whenReady(() -> woken = 1);
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = woken;
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "woken")
    @Outcome(expect = FORBIDDEN, desc = "waits for ever")
    @State
    public static class WaitSeededNotedTooLate extends OneFrame {
        private volatile int woken;
        private volatile int waiting;

        public WaitSeededNotedTooLate() {
            super(Frames.LOCKED);
        }

        @Actor
        public void holder() {
            if ((TABLE.clear(frame, Frames.LOCKED | Frames.WAITERS) & Frames.WAITERS) != 0 && waiting == 1) {
                woken = 1;
            }
        }

        @Actor
        public void waiter() {
            if (TABLE.flagWaiting(frame, Frames.LOCKED)) {
                waiting = 1;
            } else {
                woken = 1;
            }
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = woken;
        }
    }

    /** What the page lock guards: a plain number. */
    @State
    public static class Guarded extends OneFrame {
        private int changes;

        Guarded() {
            super(0);
        }

        final void changeUnder(BooleanSupplier tryLock, Runnable unlock) {
            while (!tryLock.getAsBoolean()) {
                Thread.onSpinWait();
            }
            changes++;
            unlock.run();
        }

        final int changes() {
            return changes;
        }
    }

    @JCStressTest
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = FORBIDDEN, desc = "both held the lock, or one did not see what the other had done")
    @State
    public static class LockProduct extends Guarded {
        public LockProduct() {}

        @Actor
        public void first() {
            changeUnder(() -> TABLE.tryLock(frame), () -> TABLE.unlock(frame));
        }

        @Actor
        public void second() {
            changeUnder(() -> TABLE.tryLock(frame), () -> TABLE.unlock(frame));
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = changes();
        }
    }

    @JCStressTest
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = FORBIDDEN, desc = "both held the lock, or one did not see what the other had done")
    @State
    public static class LockSeededLookThenTake extends Guarded {
        public LockSeededLookThenTake() {}

        private boolean lookThenTake() {
            if (TABLE.has(frame, Frames.LOCKED)) {
                return false;
            }
            TABLE.set(frame, Frames.LOCKED);
            return true;
        }

        @Actor
        public void first() {
            changeUnder(this::lookThenTake, () -> TABLE.clear(frame, Frames.LOCKED));
        }

        @Actor
        public void second() {
            changeUnder(this::lookThenTake, () -> TABLE.clear(frame, Frames.LOCKED));
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = changes();
        }
    }
}
