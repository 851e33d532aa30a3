package org.heteromem.core.frame;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.policy.PageList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Frames that are given by addresses, and the budget that they are charged to. */
@Tag("lincheck")
class HomedNodeModelTest {
    private static final long PAGE = 5;

    private final FrameTable table = new FrameTable();
    private final ArenaStore store = new ArenaStore(Page.SIZE);

    @AfterEach
    void close() {
        store.close();
    }

    private HomedNode oneFrame(FrameBudget budget) {
        HomedNode node = new HomedNode("home", Machines.cleared(table), 0, store, budget);
        node.mapAt(PAGE);
        return node;
    }

    /** Two threads want the frame of one page, of which a third lets go. */
    private void theFrameHasOneOwner(LongConsumer put, ToLongFunction<HomedNode> take) {
        FrameBudget budget = new FrameBudget(3, 0);
        HomedNode node = oneFrame(budget);
        long frame = node.take(PAGE, 0, false);
        long[] got = new long[2];
        together(() -> put.accept(frame), () -> got[0] = take.applyAsLong(node), () -> got[1] = take.applyAsLong(node));
        int owners = (got[0] == frame ? 1 : 0) + (got[1] == frame ? 1 : 0);
        require(owners <= 1, "one frame was handed out twice");
        require(table.references(frame) == owners, "references: " + table.references(frame));
        require(budget.used() == owners, "charged: " + budget.used());
    }

    /** As a migration lets go of its pages. */
    private void putWithOthers(long frame) {
        FreedFrames freed = new FreedFrames();
        table.put(frame, freed);
        freed.giveBack();
    }

    /** As a migration takes the frames of its pages. */
    private static long takeWithOthers(HomedNode node) {
        int charged = node.charge(node.isFree(PAGE) ? 1 : 0);
        long frame = charged == 1 ? node.takeCharged(PAGE, 0) : HomedNode.BUSY;
        node.settle(charged, frame == HomedNode.BUSY ? 0 : 1);
        return frame;
    }

    @Test
    void thePageOfAnAddressHasOneFrameAndOneOwner() {
        holds(() -> theFrameHasOneOwner(table::put, node -> node.take(PAGE, 0, false)));
        holds(() -> theFrameHasOneOwner(this::putWithOthers, HomedNodeModelTest::takeWithOthers));
        // Looks whether the frame is free, and takes it in a step of its own.
        catches(() -> theFrameHasOneOwner(table::put, node -> {
            long frame = node.frameOf(PAGE);
            if (table.references(frame) != 0) {
                return HomedNode.BUSY;
            }
            require(node.budget().tryCharge(false), "the budget has more than this");
            try {
                table.prepare(frame, 0);
            } catch (IllegalStateException e) {
                require(false, "the product has noticed: " + e.getMessage());
            }
            return frame;
        }));
    }

    /** Somebody isolates a page that a reader has just gone past. */
    private void anIsolatedPageIsOnNoList(BiConsumer<HomedNode, Long> leaveBehind) {
        HomedNode node = oneFrame(new FrameBudget(1, 0));
        long frame = node.take(PAGE, 0, false);
        node.lruAdd(frame);
        boolean[] isolated = new boolean[1];
        together(() -> isolated[0] = node.lruIsolate(frame), () -> leaveBehind.accept(node, frame));
        require(isolated[0], "not isolated");
        require(node.lruPages() == 0, "an isolated page is on a list");
        node.lruAdd(frame);
        boolean behind = table.has(frame, Frames.BEHIND);
        require(node.lruPages(PageList.BEHIND) == (behind ? 1 : 0), "on another list than its flags say");
        require(node.lruPages() == 1, "a page that was put back is on no list");
    }

    @Test
    void aPageIsLeftBehindOnlyWhereItIsOnAList() {
        holds(() -> anIsolatedPageIsOnNoList(HomedNode::lruLeaveBehind));
        // Looks whether it is on a list, and moves it in a step of its own.
        catches(() -> anIsolatedPageIsOnNoList((node, frame) -> {
            if (table.has(frame, Frames.LRU)) {
                node.lruIsolate(frame);
                table.set(frame, Frames.BEHIND);
                node.lruAdd(frame);
            }
        }));
    }

    /** Who waits for a frame that is in use, and who ends that. */
    private interface Wait {
        void whenReleased(Runnable action);

        void end();
    }

    private Wait product(long frame, Runnable end) {
        return new Wait() {
            @Override
            public void whenReleased(Runnable action) {
                table.released(frame).whenReady(action);
            }

            @Override
            public void end() {
                end.run();
            }
        };
    }

    private static void woken(Wait wait) {
        boolean[] woken = new boolean[1];
        together(() -> wait.whenReleased(() -> woken[0] = true), wait::end);
        require(woken[0], "a waiter was never woken");
    }

    /** The page was thrown away, somebody holds its frame, and lets go of it while another begins to wait. */
    @Test
    void whoWaitsForAFrameThatIsHeldIsWokenWhenItIsFree() {
        holds(() -> {
            long frame = oneFrame(new FrameBudget(1, 0)).take(PAGE, 0, false);
            woken(product(frame, () -> table.put(frame)));
            require(table.flags(frame) == 0, "the frame is not free");
        });
        holds(() -> {
            long frame = oneFrame(new FrameBudget(1, 0)).take(PAGE, 0, false);
            woken(product(frame, () -> putWithOthers(frame)));
        });
        // Looks whether somebody waits, and frees the frame in a step of its own.
        catches(() -> {
            long frame = oneFrame(new FrameBudget(1, 0)).take(PAGE, 0, false);
            woken(new Seeded(frame, waiting -> {
                boolean awaited = table.has(frame, Frames.WAITERS);
                table.put(frame);
                if (awaited) {
                    waiting.run();
                }
            }));
        });
    }

    /** Another touch has brought the page meanwhile: nobody will free the frame. */
    @Test
    void whoWaitsForAFrameIsWokenWhenAPageIsMappedThere() {
        holds(() -> {
            long frame = oneFrame(new FrameBudget(1, 0)).take(PAGE, Frames.LOCKED, false);
            woken(product(frame, () -> {
                table.addMappingOwnReference(frame);
                table.unlock(frame);
            }));
            require(!table.has(frame, Frames.WAITERS), "somebody is said to wait still");
        });
        // Does not look again after it has noted that somebody waits.
        catches(() -> {
            long frame = oneFrame(new FrameBudget(1, 0)).take(PAGE, Frames.LOCKED, false);
            woken(new Seeded(frame, waiting -> {
                table.addMappingOwnReference(frame);
                if ((table.clear(frame, Frames.LOCKED | Frames.WAITERS) & Frames.WAITERS) != 0) {
                    waiting.run();
                }
            }));
        });
    }

    /** Notes who waits as the product does, for one waiter. */
    private final class Seeded implements Wait {
        private final long frame;
        private final Consumer<Runnable> end;
        private final AtomicReference<Runnable> waiting = new AtomicReference<>(() -> {});

        Seeded(long frame, Consumer<Runnable> end) {
            this.frame = frame;
            this.end = end;
        }

        @Override
        public synchronized void whenReleased(Runnable action) {
            if (table.flagWaiting(frame, Frames.LOCKED | Frames.ALLOCATED)) {
                waiting.set(action);
            } else {
                action.run();
            }
        }

        @Override
        public void end() {
            end.accept(() -> {
                synchronized (this) {
                    waiting.get().run();
                }
            });
        }
    }

    private static void neverBeyond(BooleanSupplier tryCharge, AtomicLong charged) {
        together(
                () -> {
                    if (tryCharge.getAsBoolean()) {
                        charged.getAndIncrement();
                    }
                },
                () -> {
                    if (tryCharge.getAsBoolean()) {
                        charged.getAndIncrement();
                    }
                });
        require(charged.get() == 1, "of one frame, " + charged.get() + " were given");
    }

    @Test
    void aBudgetIsNeverOverdrawn() {
        holds(() -> {
            FrameBudget budget = new FrameBudget(1, 0);
            neverBeyond(() -> budget.tryCharge(false), new AtomicLong());
        });
        catches(() -> {
            AtomicLong used = new AtomicLong();
            neverBeyond(
                    () -> {
                        if (used.get() >= 1) {
                            return false;
                        }
                        used.getAndIncrement();
                        return true;
                    },
                    new AtomicLong());
        });
    }
}
