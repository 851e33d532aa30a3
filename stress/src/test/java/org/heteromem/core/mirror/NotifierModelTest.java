package org.heteromem.core.mirror;

import static org.heteromem.stress.model.ModelCheck.PARK;
import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.wait.Waiting;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A driver that follows one page: its table is never more permissive than the page table, whatever invalidations overlap,
 * and it neither waits for ever nor misses the end of one.
 */
@Tag("lincheck")
class NotifierModelTest {
    private static final MemoryManager MANAGER =
            MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build();
    private static final AddressSpace SPACE = MANAGER.createAddressSpace();
    private static final Invalidation CHANGE = new Invalidation(Invalidation.Reason.CLEAR, SPACE, 0, Page.SIZE, null);

    private static final int PAGES = 6;

    @AfterAll
    static void close() {
        MANAGER.close();
    }

    private enum Fault {
        NONE,
        NO_RETRY,
        RETRY_OUTSIDE_THE_LOCK,
        SEQUENCE_NOT_SET,
        READER_DOES_NOT_WAIT
    }

    private static final class Driver {
        private final Fault fault;
        private final NotifierSubscriptions subscriptions = new NotifierSubscriptions(PARK);
        private final Object lock = new Object();
        private final IntervalNotifier notifier;
        private final AtomicLongArray pages = new AtomicLongArray(PAGES);
        private long mirrored = -1;

        Driver(Fault fault) {
            this.fault = fault;
            this.notifier = subscriptions.insert(SPACE, 0, Page.SIZE, this::invalidate);
        }

        private void invalidate(Invalidation change, long sequence) {
            synchronized (lock) {
                if (fault != Fault.SEQUENCE_NOT_SET) {
                    notifier.setSequence(sequence);
                }
                mirrored = -1;
            }
        }

        /** Looks at the page and mirrors it. */
        void fault() {
            for (; ; ) {
                long sequence = fault == Fault.READER_DOES_NOT_WAIT ? notifier.sequence() : notifier.readBegin();
                long found = pages.get(PAGES - 1);
                if (fault == Fault.RETRY_OUTSIDE_THE_LOCK && notifier.readRetry(sequence)) {
                    continue;
                }
                if (fill(found, sequence)) {
                    return;
                }
            }
        }

        private boolean fill(long found, long sequence) {
            synchronized (lock) {
                boolean trusting = fault == Fault.NO_RETRY || fault == Fault.RETRY_OUTSIDE_THE_LOCK;
                if (!trusting && notifier.readRetry(sequence)) {
                    return false;
                }
                mirrored = found;
                return true;
            }
        }

        /** Changes the range, page by page, under an announcement. The last page is the one that the driver looks at. */
        void change(long to) {
            subscriptions.start(CHANGE);
            for (int i = 0; i < PAGES; i++) {
                pages.set(i, to);
            }
            subscriptions.end();
        }

        void check() {
            require(mirrored == -1 || mirrored == pages.get(PAGES - 1), "the device maps what the process does not");
            require(subscriptions.quiet(), "an invalidation never ended");
        }
    }

    private static void oneChange(Fault fault) {
        Driver driver = new Driver(fault);
        together(() -> driver.change(2), driver::fault);
        driver.check();
    }

    private static void twoChanges(Fault fault) {
        Driver driver = new Driver(fault);
        together(() -> driver.change(2), driver::fault, () -> driver.change(2));
        driver.check();
    }

    @Test
    void theMirrorNeverAllowsMoreThanThePageTable() {
        holds(() -> oneChange(Fault.NONE));
        catches(() -> oneChange(Fault.NO_RETRY));
        catches(() -> oneChange(Fault.RETRY_OUTSIDE_THE_LOCK));
        catches(() -> oneChange(Fault.SEQUENCE_NOT_SET));
        catches(() -> oneChange(Fault.READER_DOES_NOT_WAIT));
    }

    @Test
    void overlappingChangesDoNotHideEachOther() {
        holds(() -> twoChanges(Fault.NONE));
        catches(() -> twoChanges(Fault.READER_DOES_NOT_WAIT));
    }

    /** A notifier that is inserted while a change is under way starts out as colliding with it. */
    @Test
    void whoComesDuringAChangeWaitsForIt() {
        holds(() -> {
            NotifierSubscriptions subscriptions = new NotifierSubscriptions(PARK);
            boolean[] changed = new boolean[1];
            subscriptions.start(CHANGE);
            together(
                    () -> {
                        changed[0] = true;
                        subscriptions.end();
                    },
                    () -> {
                        IntervalNotifier late = subscriptions.insert(SPACE, 0, Page.SIZE, (change, sequence) -> {});
                        late.readBegin();
                        require(changed[0], "the page table was looked at in the middle of a change");
                    });
        });
        catches(() -> {
            NotifierSubscriptions subscriptions = new NotifierSubscriptions(PARK);
            boolean[] changed = new boolean[1];
            subscriptions.start(CHANGE);
            together(
                    () -> {
                        changed[0] = true;
                        subscriptions.end();
                    },
                    () -> {
                        IntervalNotifier late = subscriptions.insert(SPACE, 0, Page.SIZE, (change, sequence) -> {});
                        late.sequence();
                        require(changed[0], "the page table was looked at in the middle of a change");
                    });
        });
    }

    private static final class GivesUp extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** A driver frees its table as soon as it has stopped following; a callback that is under way still uses it. */
    private static void tableOutlivesCallbacks(Waiting waiting) {
        NotifierSubscriptions subscriptions = new NotifierSubscriptions(waiting);
        AtomicLongArray table = new AtomicLongArray(new long[] {1});
        AtomicBoolean late = new AtomicBoolean();
        IntervalNotifier notifier = subscriptions.insert(SPACE, 0, Page.SIZE, (change, sequence) -> {
            if (table.get(0) == 0) {
                late.set(true);
            }
        });
        together(
                () -> {
                    subscriptions.start(CHANGE);
                    subscriptions.end();
                },
                () -> {
                    try {
                        notifier.close();
                    } catch (GivesUp e) {
                        require(waiting != PARK, "the product gave up");
                    }
                    table.set(0, 0);
                });
        require(!late.get(), "a callback ran after its notifier was closed");
    }

    @Test
    void nothingIsToldToANotifierThatIsClosed() {
        holds(() -> tableOutlivesCallbacks(PARK));
        catches(() -> tableOutlivesCallbacks(point -> {
            throw new GivesUp();
        }));
    }
}
