package org.heteromem.core.frame;

import static org.heteromem.stress.model.ModelCheck.PARK;
import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Counts, page lock and wait of one frame, by two or three threads. */
@Tag("lincheck")
class FrameTableModelTest {
    private static final long FRAME = 0;

    private final Machines.CountingOwner owner = new Machines.CountingOwner();
    private final FrameTable table = new FrameTable();

    private FrameTable oneFrame(int flags) {
        owner.freed = 0;
        FrameTable frames = Machines.cleared(table);
        frames.add(FRAME, 1, owner);
        frames.prepare(FRAME, flags);
        return frames;
    }

    // ---- counts ------------------------------------------------------------------------------------------------

    /** Whoever looks must see every mapping with the reference it holds, and a migrator must not see "mine alone". */
    private void countsNeverWrong(Consumer<FrameTable> addMapping) {
        FrameTable frames = oneFrame(0);
        together(() -> addMapping.accept(frames), () -> {
            long counts = frames.counts(FRAME);
            require(
                    Frames.references(counts) == Frames.mappings(counts) + 1,
                    "a mapping was seen without its reference, or the other way round");
        });
    }

    @Test
    void aMappingAndItsReferenceComeInOneStep() {
        holds(() -> countsNeverWrong(frames -> frames.addMapping(FRAME)));
        catches(() -> countsNeverWrong(frames -> {
            frames.addMappingOwnReference(FRAME);
            frames.get(FRAME);
        }));
    }

    private void freedOnceAndForGood(Predicate<FrameTable> tryGet) {
        FrameTable frames = oneFrame(0);
        boolean[] got = new boolean[1];
        together(() -> frames.put(FRAME), () -> got[0] = tryGet.test(frames));
        require(owner.freed == (got[0] ? 0 : 1), "freed " + owner.freed + " times while held: " + got[0]);
        if (got[0]) {
            frames.put(FRAME);
            require(owner.freed == 1, "never freed");
        }
    }

    @Test
    void aReferenceIsTakenBeforeTheLastIsPutOrNotAtAll() {
        holds(() -> freedOnceAndForGood(frames -> frames.tryGet(FRAME)));
        catches(() -> freedOnceAndForGood(frames -> {
            if (frames.references(FRAME) == 0) {
                return false;
            }
            try {
                frames.get(FRAME);
            } catch (IllegalStateException e) {
                // The product notices that the frame was free, after the fact: believe the look all the same.
                return true;
            }
            return true;
        }));
    }

    /** A pin taken on a page that only its process has, against a fork that takes the page from it if it is not pinned. */
    private void pinnedOrUnpinnedAtOnce(Consumer<FrameTable> pin) {
        FrameTable frames = oneFrame(0);
        frames.addMapping(FRAME);
        together(() -> pin.accept(frames), () -> {
            long counts = frames.counts(FRAME);
            require(
                    Frames.references(counts) == 2 + Frames.pins(counts),
                    "a pin was seen without its reference: a migrator would have moved the page");
        });
    }

    @Test
    void aPinAndItsReferenceComeInOneStep() {
        holds(() -> pinnedOrUnpinnedAtOnce(frames -> require(frames.tryPin(FRAME), "not pinned")));
        catches(() -> pinnedOrUnpinnedAtOnce(frames -> {
            frames.get(FRAME);
            require(frames.tryPin(FRAME), "not pinned");
            frames.put(FRAME);
        }));
    }

    // ---- frames named by their number --------------------------------------------------------------------------

    /** Two threads of a driver ready the same frame; who gets it says so in its flags. */
    private void oneGetsTheFrame(Predicate<FrameTable> claim) {
        FrameTable frames = Machines.cleared(table);
        frames.add(FRAME, 1, owner);
        boolean[] got = new boolean[2];
        Runnable[] bodies = new Runnable[2];
        for (int i = 0; i < 2; i++) {
            int who = i;
            bodies[i] = () -> {
                got[who] = claim.test(frames);
                if (got[who]) {
                    frames.set(FRAME, Frames.DESTINATION);
                }
            };
        }
        together(bodies);
        require(got[0] != got[1], "the frame went to both or to nobody");
        require(frames.has(FRAME, Frames.LOCKED | Frames.DESTINATION), "the owner's flags were wiped");
        require(frames.references(FRAME) == 1, "the frame has " + frames.references(FRAME) + " references");
    }

    @Test
    void aFreeFrameIsReadiedOnce() {
        holds(() -> oneGetsTheFrame(frames -> frames.claim(FRAME, Frames.LOCKED)));
        catches(() -> oneGetsTheFrame(frames -> {
            if (frames.references(FRAME) != 0) {
                return false;
            }
            try {
                frames.prepare(FRAME, Frames.LOCKED);
                return true;
            } catch (IllegalStateException e) {
                // Seen only after the flags were written.
                return false;
            }
        }));
    }

    // ---- page lock ---------------------------------------------------------------------------------------------

    private interface Wait {
        void whenUnlocked(Runnable action);

        void unlock();
    }

    private static Wait product(FrameTable frames) {
        return new Wait() {
            @Override
            public void whenUnlocked(Runnable action) {
                frames.unlocked(FRAME).whenReady(action);
            }

            @Override
            public void unlock() {
                frames.unlock(FRAME);
            }
        };
    }

    /** Sets WAITERS first and notes who waits afterwards, without holding the bucket over both. */
    private static Wait seeded(FrameTable frames) {
        Runnable[] bucket = new Runnable[1];
        return new Wait() {
            @Override
            public void whenUnlocked(Runnable action) {
                if (!frames.flagWaiting(FRAME, Frames.LOCKED)) {
                    action.run();
                    return;
                }
                synchronized (bucket) {
                    bucket[0] = action;
                }
            }

            @Override
            public void unlock() {
                if ((frames.clear(FRAME, Frames.LOCKED | Frames.WAITERS) & Frames.WAITERS) != 0) {
                    synchronized (bucket) {
                        if (bucket[0] != null) {
                            bucket[0].run();
                        }
                    }
                }
            }
        };
    }

    private void wokenUp(Function<FrameTable, Wait> kind) {
        FrameTable frames = oneFrame(Frames.LOCKED);
        Wait wait = kind.apply(frames);
        boolean[] woken = new boolean[1];
        together(wait::unlock, () -> wait.whenUnlocked(() -> woken[0] = true));
        require(woken[0], "a waiter was never woken");
        require(frames.tryLock(FRAME), "the lock stayed held");
    }

    @Test
    void nobodyWaitsForALockThatIsFree() {
        holds(() -> wokenUp(FrameTableModelTest::product));
        catches(() -> wokenUp(FrameTableModelTest::seeded));
    }

    /** Three threads that change a plain number under the lock, each after waiting for it as a caller of the core does. */
    private void onlyOneHoldsIt(Predicate<FrameTable> tryLock) {
        FrameTable frames = oneFrame(0);
        int[] changes = new int[1];
        Runnable change = () -> {
            while (!tryLock.test(frames)) {
                PARK.await(frames.unlocked(FRAME));
            }
            changes[0]++;
            try {
                frames.unlock(FRAME);
            } catch (IllegalStateException e) {
                require(false, "somebody else has released the lock: " + e.getMessage());
            }
        };
        together(change, change, change);
        require(changes[0] == 3, "of three changes, only " + changes[0] + " are left");
        require(frames.tryLock(FRAME), "the lock stayed held");
    }

    @Test
    void aLockedFrameBelongsToOne() {
        holds(() -> onlyOneHoldsIt(frames -> frames.tryLock(FRAME)));
        catches(() -> onlyOneHoldsIt(frames -> {
            if (frames.has(FRAME, Frames.LOCKED)) {
                return false;
            }
            frames.set(FRAME, Frames.LOCKED);
            return true;
        }));
    }
}
